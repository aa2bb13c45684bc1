// __index of the globals, by which `conn` is opened.
#include "lazy_conn.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#define INSTALLED "pghost.lazy_conn"

static int open_conn(lua_State *L) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "pghost.connection");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "open");
  lua_call(L, 0, 1);
  lua_pushvalue(L, -1); // conn, conn
  lua_setglobal(L, "conn");
  return 1;
}

// Upvalue: the __index before.
static int lazy_global(lua_State *L) {
  if (lua_type(L, 2) == LUA_TSTRING && strcmp(lua_tostring(L, 2), "conn") == 0)
    return open_conn(L);
  lua_settop(L, 2);
  if (lua_isnil(L, lua_upvalueindex(1)))
    return 0;
  if (!lua_isfunction(L, lua_upvalueindex(1))) {
    lua_gettable(L, lua_upvalueindex(1));
    return 1;
  }
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, 2, 1);
  return 1;
}

void lazy_conn_install(lua_State *L) {
  bool installed = lua_getfield(L, LUA_REGISTRYINDEX, INSTALLED) != LUA_TNIL;
  lua_pop(L, 1);
  if (installed)
    return;
  lua_pushglobaltable(L);
  if (!lua_getmetatable(L, -1))
    lua_newtable(L);
  lua_getfield(L, -1, "__index"); // _G, metatable, index
  lua_pushcclosure(L, lazy_global, 1);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
  lua_pushboolean(L, 1);
  lua_setfield(L, LUA_REGISTRYINDEX, INSTALLED);
}
