// Reads the Lua options of a load and its files into the engine's. See docs/meta/load.lua.
#ifndef PGHOST_LUA_LOAD_OPTIONS_H
#define PGHOST_LUA_LOAD_OPTIONS_H

#include <lua.h>

#include "load/engine.h"

// Reads the table at `table`. What the options point to is kept alive by the table at `references`,
// the program as its field "program". Both are absolute indexes. Raises. Files are not opened: see
// load_open_files.
EngineOptions load_read_options(lua_State *L, int table, int references);

// Opens the files for rejects = { path = } (instead of a connection) and clean.repeats. Call it
// when nothing can raise any more before the engine owns them.
bool load_open_files(lua_State *L, int table, EngineOptions *options, Error *error);
void load_close_files(const EngineOptions *options);

// Reads the table at `table`, for a file of `source`. The maps, which stay on the stack, must
// outlive the task; `program` is the load's, or NULL. Raises.
FileTask load_read_task(lua_State *L, int table, Source *source, const Program *program);

#endif
