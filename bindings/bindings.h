// The Lua-facing modules that the host preloads. Each is the only external symbol of its file.
#ifndef PGHOST_BINDINGS_H
#define PGHOST_BINDINGS_H

#include <lua.h>

int luaopen_pghost_native_conn(lua_State *L);  // connections and results
int luaopen_pghost_native_csv(lua_State *L);   // CSV for exploring: an iterator of records
int luaopen_pghost_native_rules(lua_State *L); // rules compiled from Lua tables to programs
int luaopen_pghost_native_load(lua_State *L);  // source -> rules -> COPY streams
int luaopen_pghost_native_sys(lua_State *L);   // what Lua lacks: clocks, terminals, file facts

#endif
