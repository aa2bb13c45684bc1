// Preloading of the native modules, and pghost.native.host: the options, version and script.
#include "modules.h"

#include <lauxlib.h>

#include "bindings.h"
#include "server.h"

// Until all bindings are in one tree a host can be built without some of them.
#pragma weak luaopen_pghost_native_conn
#pragma weak luaopen_pghost_native_csv
#pragma weak luaopen_pghost_native_rules
#pragma weak luaopen_pghost_native_load
#pragma weak luaopen_pghost_native_sys

static const luaL_Reg modules[] = {
    {"pghost.native.conn", luaopen_pghost_native_conn},
    {"pghost.native.csv", luaopen_pghost_native_csv},
    {"pghost.native.rules", luaopen_pghost_native_rules},
    {"pghost.native.load", luaopen_pghost_native_load},
    {"pghost.native.sys", luaopen_pghost_native_sys},
    {"pghost.native.server", luaopen_pghost_native_server},
};

static void set_string(lua_State *L, const char *name, const char *value) {
  lua_pushstring(L, value);
  lua_setfield(L, -2, name);
}

// Upvalues: the options (light userdata), the script's path or nil.
static int open_host(lua_State *L) {
  const Options *options = lua_touserdata(L, lua_upvalueindex(1));
  lua_createtable(L, 0, 3);
  set_string(L, "version", PGHOST_VERSION);
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_setfield(L, -2, "script");
  lua_createtable(L, 0, 3);
  set_string(L, "dsn", options->dsn);
  set_string(L, "log_format", options->log_format);
  lua_pushboolean(L, options->quiet);
  lua_setfield(L, -2, "quiet");
  lua_setfield(L, -2, "options");
  return 1;
}

void modules_preload(lua_State *L, const Options *options, const char *script) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
    if (!modules[i].func)
      continue;
    lua_pushcfunction(L, modules[i].func);
    lua_setfield(L, -2, modules[i].name);
  }
  lua_pushlightuserdata(L, (void *)options);
  lua_pushstring(L, script);
  lua_pushcclosure(L, open_host, 2);
  lua_setfield(L, -2, "pghost.native.host");
  lua_pop(L, 1);
}
