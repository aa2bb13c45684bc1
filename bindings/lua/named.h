// Lists of values that also have names: rows of a result, records of a CSV file.
#ifndef PGHOST_LUA_NAMED_H
#define PGHOST_LUA_NAMED_H

#include <lua.h>
#include <stdbool.h>

// Replaces the list of names on top by a metatable for lists of as many values: value[1],
// value.name (the first of several columns of one name), #value with nils or without, and pairs in
// the order of the names, nils too.
void named_push_type(lua_State *L, const char *type);

// Raises "<what> 'nmae': did you mean 'name'?" for the key at one index of the stack, with the
// string keys of the table at another as what there is.
int named_unknown(lua_State *L, const char *what, int key, int names);

// Whether the key at that index is a name that somebody means: Lua itself and libraries look for
// "__name" and the like.
bool named_is_asked(lua_State *L, int key);

#endif
