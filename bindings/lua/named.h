// Lists of values that also have names: rows of a result, records of a CSV file.
#ifndef PGHOST_LUA_NAMED_H
#define PGHOST_LUA_NAMED_H

#include <lua.h>

// Replaces the list of names on top by a metatable for lists of as many values: value[1],
// value.name (the first of several columns of one name), #value with nils or without, and pairs in
// the order of the names, nils too.
void named_push_type(lua_State *L, const char *type);

#endif
