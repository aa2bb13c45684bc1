// Minimal host, to be replaced by the real one: runs one script with the library on package.path.
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bindings.h"

#pragma weak luaopen_pghost_native_conn
#pragma weak luaopen_pghost_native_csv
#pragma weak luaopen_pghost_native_rules
#pragma weak luaopen_pghost_native_load
#pragma weak luaopen_pghost_native_sys

static void preload(lua_State *L, const char *name, lua_CFunction open) {
  if (!open)
    return;
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, open);
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
}

static int traceback(lua_State *L) {
  luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
  return 1;
}

static void set_path(lua_State *L) {
  char root[4096];
  ssize_t n = readlink("/proc/self/exe", root, sizeof root - 1);
  root[n < 0 ? 0 : n] = 0;
  char probe[4200];
  for (char *slash = strrchr(root, '/'); slash; slash = strrchr(root, '/')) {
    *slash = 0;
    snprintf(probe, sizeof probe, "%s/scripts/pghost", root);
    if (access(probe, R_OK) == 0)
      break;
  }
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "path");
  lua_pushfstring(L, "%s/scripts/?.lua;%s/?.lua;%s", root, root, lua_tostring(L, -1));
  lua_setfield(L, -3, "path");
  lua_pop(L, 2);
}

int main(int argc, char **argv) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  preload(L, "pghost.native.conn", luaopen_pghost_native_conn);
  preload(L, "pghost.native.csv", luaopen_pghost_native_csv);
  preload(L, "pghost.native.rules", luaopen_pghost_native_rules);
  preload(L, "pghost.native.load", luaopen_pghost_native_load);
  preload(L, "pghost.native.sys", luaopen_pghost_native_sys);
  set_path(L);
  lua_createtable(L, argc, 0);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i - 1);
  }
  lua_setglobal(L, "arg");
  lua_pushcfunction(L, traceback);
  int bad = luaL_loadfile(L, argc > 1 ? argv[1] : NULL) || lua_pcall(L, 0, 0, 1);
  if (bad)
    fprintf(stderr, "pghost: %s\n", lua_tostring(L, -1));
  lua_close(L);
  return bad ? 1 : 0;
}
