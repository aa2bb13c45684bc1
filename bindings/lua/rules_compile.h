// The compiler of rule tables, for rules.c.
#ifndef PGHOST_LUA_RULES_COMPILE_H
#define PGHOST_LUA_RULES_COMPILE_H

#include <lua.h>

// rules.compile(rules) -> program: the Lua function. The metatable PROGRAM_TYPE must exist.
int rules_compile(lua_State *L);

#endif
