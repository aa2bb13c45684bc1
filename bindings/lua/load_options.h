// What Lua says of a load and of its files, read into what the engine takes. See
// docs/meta/load.lua.
#ifndef PGHOST_LUA_LOAD_OPTIONS_H
#define PGHOST_LUA_LOAD_OPTIONS_H

#include <lua.h>

#include "load/engine.h"

// Reads the table at `table`. What the options point to is kept alive by the table at `references`,
// the program as its field "program". Both are absolute indexes. Raises. The reject file is not
// opened: see load_open_reject_file.
EngineOptions load_read_options(lua_State *L, int table, int references);

// Rejects that go to a file: rejects = { path = } instead of a connection. For when nothing raises
// any more before the engine has it.
bool load_open_reject_file(lua_State *L, int table, EngineOptions *options, Error *error);

// Reads the table at `table`, for a file of `source`. The maps, which stay on the stack, must
// outlive the task; `program` is the load's, or NULL. Raises.
FileTask load_read_task(lua_State *L, int table, Source *source, const Program *program);

#endif
