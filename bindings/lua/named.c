// See named.h.
#include "lua/named.h"

#include <lauxlib.h>
#include <string.h>

#include "base/nearest.h"

// The string keys of the table at `names`, in a userdata that is pushed.
static const char **push_keys(lua_State *L, int names, size_t *count) {
  size_t all = 0;
  for (lua_pushnil(L); lua_next(L, names); lua_pop(L, 1))
    all++;
  const char **keys = lua_newuserdatauv(L, (all + 1) * sizeof *keys, 0);
  *count = 0;
  for (lua_pushnil(L); lua_next(L, names); lua_pop(L, 1))
    if (lua_type(L, -2) == LUA_TSTRING)
      keys[(*count)++] = lua_tostring(L, -2);
  return keys;
}

int named_unknown(lua_State *L, const char *what, int key, int names) {
  const char *name = luaL_tolstring(L, key, NULL);
  size_t count;
  const char **known = push_keys(L, names, &count);
  const char *nearest = nearest_word(name, known, count);
  if (nearest)
    return luaL_error(L, "%s '%s': did you mean '%s'?", what, name, nearest);
  return luaL_error(L, "%s '%s'", what, name);
}

bool named_is_asked(lua_State *L, int key) {
  return lua_type(L, key) == LUA_TSTRING && strncmp(lua_tostring(L, key), "__", 2) != 0;
}

// Upvalue: name -> position. Null and unknown names are nil: rows of several queries go through one
// function, which asks for what only some of them have.
static int named_index(lua_State *L) {
  lua_settop(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TNIL)
    return 1;
  lua_rawget(L, 1);
  return 1;
}

// Upvalue: how many.
static int named_len(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  return 1;
}

// Upvalues: names, position. Yields name, value.
static int named_next(lua_State *L) {
  lua_Integer position = lua_tointeger(L, lua_upvalueindex(2)) + 1;
  lua_pushinteger(L, position);
  lua_replace(L, lua_upvalueindex(2));
  lua_settop(L, 1);
  if (lua_rawgeti(L, lua_upvalueindex(1), position) == LUA_TNIL)
    return 1;
  lua_rawgeti(L, 1, position);
  return 2;
}

// Upvalue: names.
static int named_pairs(lua_State *L) {
  lua_settop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, named_next, 2);
  lua_insert(L, 1);
  return 2;
}

// Name -> position of the list at `names`.
static void push_positions(lua_State *L, int names) {
  lua_Integer count = (lua_Integer)lua_rawlen(L, names);
  lua_createtable(L, 0, (int)count);
  for (lua_Integer i = count; i > 0; i--) {
    lua_rawgeti(L, names, i);
    lua_pushinteger(L, i);
    lua_rawset(L, -3);
  }
}

void named_push_type(lua_State *L, const char *type) {
  int names = lua_gettop(L);
  lua_createtable(L, 0, 4);
  push_positions(L, names);
  lua_pushcclosure(L, named_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pushinteger(L, (lua_Integer)lua_rawlen(L, names));
  lua_pushcclosure(L, named_len, 1);
  lua_setfield(L, -2, "__len");
  lua_pushvalue(L, names);
  lua_pushcclosure(L, named_pairs, 1);
  lua_setfield(L, -2, "__pairs");
  lua_pushstring(L, type);
  lua_setfield(L, -2, "__name");
  lua_remove(L, names);
}
