// What the host has to say on stderr, after what is in stdout's buffer: as text, or with
// --log-format json as one object, in the form of the library's log (scripts/pghost/lib/log.lua).
#ifndef PGHOST_HOST_COMPLAINT_H
#define PGHOST_HOST_COMPLAINT_H

#include <lua.h>
#include <stdbool.h>

void complaint_use_json(bool json);

// As the Lua side has it: a script's own command line may have chosen the format.
void complaint_follow(lua_State *L);

// "pghost: message", as one line whatever is in it.
void complaint_write(const char *message);

// What has been done already and stays ("the records are loaded"): out of memory is no reason to do
// it a second time, and without memory nobody can put that into the message later.
void complaint_note_done(const char *what);

// "; the records are loaded", or "".
const char *complaint_done(void);

// What an error value says; it may have lines (a traceback, the server's details). `index` is the
// value: of an error object, JSON has code, exit, file, line and column too.
void complaint_write_error(lua_State *L, int index, const char *message);

#endif
