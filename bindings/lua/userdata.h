// Types of userdata whose methods are values of their metatable.
#ifndef PGHOST_LUA_USERDATA_H
#define PGHOST_LUA_USERDATA_H

#include <lauxlib.h>

// Creates the metatable of a type unless it exists already.
void userdata_define(lua_State *L, const char *type, const luaL_Reg *metamethods,
                     const luaL_Reg *methods);

#endif
