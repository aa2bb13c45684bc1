// The message of `require` (loadlib.c, searcher_Lua and findloader in Lua 5.4), in one line.
#include "missing_module.h"

#include <lauxlib.h>
#include <string.h>

#define OWN "' not found: the library in '" // module_search.c
#define BEGINS "not found:\n\tno field package.preload["
#define PLACE "\n\tno file '"

bool missing_module_shorten(lua_State *L) {
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
  if (strstr(text, OWN))
    return true;
  const char *list = strstr(text, BEGINS);
  const char *place = list ? strstr(list, PLACE) : NULL;
  if (!place || !strstr(text, "module '"))
    return false;
  place += strlen("\n\t");
  luaL_Buffer line;
  luaL_buffinit(L, &line);
  luaL_addlstring(&line, text, (size_t)(list - text) + strlen("not found: ") - 1);
  luaL_addchar(&line, ' ');
  luaL_addlstring(&line, place, strcspn(place, "\n"));
  luaL_addstring(&line, ", nor one elsewhere in package.path or package.cpath");
  luaL_pushresult(&line);
  lua_replace(L, -2);
  return true;
}
