// The Lua-facing modules, which the host loads by name when a script first asks for one. Each is
// the only external symbol of its file.
#ifndef PGHOST_LUA_NATIVE_H
#define PGHOST_LUA_NATIVE_H

#include <lua.h>

#define EXPORTED __attribute__((visibility("default")))

EXPORTED int luaopen_pghost_native_conn(lua_State *L);    // connections and results
EXPORTED int luaopen_pghost_native_csv(lua_State *L);     // records of CSV, one by one
EXPORTED int luaopen_pghost_native_rules(lua_State *L);   // rules compiled to programs
EXPORTED int luaopen_pghost_native_load(lua_State *L);    // source -> rules -> COPY streams
EXPORTED int luaopen_pghost_native_profile(lua_State *L); // what is in the columns
EXPORTED int luaopen_pghost_native_sniff(lua_State *L);   // what a CSV file is
EXPORTED int luaopen_pghost_native_sys(lua_State *L);     // clocks, terminals, processors

#endif
