// Failures of the outside world, for Lua.
#ifndef PGHOST_LUA_FAILURE_H
#define PGHOST_LUA_FAILURE_H

#include <lua.h>

#include "base/error.h"

// Pushes nil, message, code and returns 3.
int push_failure(lua_State *L, const Error *error);

#endif
