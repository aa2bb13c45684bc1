// The host's messages on stderr, written after flushing stdout: as text, or with --log-format json
// as one object in the form of the library's log (scripts/pghost/lib/log.lua).
#ifndef PGHOST_HOST_COMPLAINT_H
#define PGHOST_HOST_COMPLAINT_H

#include <lua.h>
#include <stdbool.h>

void complaint_use_json(bool json);

// The format as set on the Lua side: a script's own command line may have chosen it.
void complaint_follow(lua_State *L);

// "pghost: message", always as one line. JSON includes the exit code; 0: the process continues.
void complaint_write(const char *message, int exit_code);

// What is done already and stays ("the records are loaded"): running out of memory is no reason to
// do it again, and without memory the message could not be extended later.
void complaint_note_done(const char *what);

// "; the records are loaded", or "".
const char *complaint_done(void);

// Reports the error value at `index`; it may have several lines (a traceback, the server's
// details). JSON includes code, exit, file, line and column: those of an error object, else what is
// known.
void complaint_write_error(lua_State *L, int index, const char *message, int exit_code);

#endif
