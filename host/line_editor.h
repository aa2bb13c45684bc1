// Lines from the user: edited with history and completion on a terminal, plain otherwise.
#ifndef PGHOST_HOST_LINE_EDITOR_H
#define PGHOST_HOST_LINE_EDITOR_H

#include <lua.h>
#include <stdbool.h>

typedef struct LineReader LineReader;

typedef enum LineResult { LINE_READ, LINE_END, LINE_INTERRUPTED } LineResult;

// NULL without memory. `complete` refers to a function in the registry of `L`: complete(line before
// the cursor, after it) gives the text to insert and what is shown below the line, or nil.
// `paint`, LUA_NOREF for none: paint(line) gives the line with colors. Both stay the caller's.
LineReader *line_open(lua_State *L, int complete, int paint);

// Reads one line, with its newline, into *text (valid until the next call). LINE_INTERRUPTED: a
// signal came (interrupt_signal tells which).
LineResult line_read(LineReader *reader, const char *prompt, const char **text);

// Adds a chunk to the history.
void line_remember(LineReader *reader, const char *chunk);

// Saves the history and gives the terminal back. NULL is fine.
void line_close(LineReader *reader);

#endif
