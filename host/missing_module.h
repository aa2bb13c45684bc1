// Shortens to one line what `require` says of a missing module.
#pragma once

#include <lua.h>
#include <stdbool.h>

// Whether the text on top of the stack is what `require` raises then. Every place it looked at,
// each on a line of its own, is replaced with the first of them.
bool missing_module_shorten(lua_State *L);
