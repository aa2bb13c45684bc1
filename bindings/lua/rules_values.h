// Functions for rules written in Lua that apply to one value what operations and types apply to a
// column.
#ifndef PGHOST_LUA_RULES_VALUES_H
#define PGHOST_LUA_RULES_VALUES_H

#include <lauxlib.h>

// trim, unquote, null_if, boolean, date; for pghost.native.rules.
extern const luaL_Reg lua_value_functions[];

#endif
