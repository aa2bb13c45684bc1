// See failure.h.
#include "lua/failure.h"

int push_failure(lua_State *L, const Error *error) {
  lua_pushnil(L);
  lua_pushstring(L, error->message);
  lua_pushstring(L, error->code);
  return 3;
}
