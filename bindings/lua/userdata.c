#include "lua/userdata.h"

void userdata_define(lua_State *L, const char *type, const luaL_Reg *metamethods,
                     const luaL_Reg *methods) {
  if (luaL_newmetatable(L, type)) {
    luaL_setfuncs(L, metamethods, 0);
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
  }
  lua_pop(L, 1);
}
