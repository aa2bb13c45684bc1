// What `require` finds without a file: the native modules, loaded when first asked for, and
// pghost.native.host: options, version, script, attempt.
#include "native_modules.h"

#include <dlfcn.h>
#include <lauxlib.h>

#include "library.h"
#include "retry.h"

// A name, the function that opens it, and the shared object that has the function.
static const char *const modules[][3] = {
    {"pghost.native.conn", "luaopen_pghost_native_conn", "pghost_native.so"},
    {"pghost.native.csv", "luaopen_pghost_native_csv", "pghost_native.so"},
    {"pghost.native.rules", "luaopen_pghost_native_rules", "pghost_native.so"},
    {"pghost.native.load", "luaopen_pghost_native_load", "pghost_native.so"},
    {"pghost.native.profile", "luaopen_pghost_native_profile", "pghost_native.so"},
    {"pghost.native.sniff", "luaopen_pghost_native_sniff", "pghost_native.so"},
    {"pghost.native.sys", "luaopen_pghost_native_sys", "pghost_native.so"},
    {"pghost.native.server", "luaopen_pghost_native_server", "pghost_native.so"},
    {"pghost.native.remote", "luaopen_pghost_native_remote", "pghost_remote.so"},
};

// A shared object is never unloaded: libraries below it run threads and handlers at exit; to open
// it again gives the same. Itself it is bound at once, by its link flags; the 30 libraries below
// libpq, few of which are ever called, are bound as they are used.
static void *native_handle(lua_State *L, const char *file) {
  const char *path = library_native(file);
  void *handle = path ? dlopen(path, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE) : NULL;
  if (!handle && path)
    luaL_error(L, "could not load the native module: %s", dlerror());
  if (!handle)
    luaL_error(L, "could not load the native module: %s is not where this binary expects it", file);
  return handle;
}

// Upvalues: the names of the function and of the shared object. `require` passes the module's name.
static int open_native(lua_State *L) {
  const char *symbol = lua_tostring(L, lua_upvalueindex(1));
  const char *file = lua_tostring(L, lua_upvalueindex(2));
  lua_CFunction open;
  *(void **)&open = dlsym(native_handle(L, file), symbol); // as POSIX shows it
  if (!open)
    return luaL_error(L, "could not load the native module: no function '%s'", symbol);
  lua_pushcfunction(L, open);
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

static void set_string(lua_State *L, const char *name, const char *value) {
  lua_pushstring(L, value);
  lua_setfield(L, -2, name);
}

// The options of the command line as a list: { short, long, value, help, late }.
static void push_option_texts(lua_State *L) {
  const OptionText *texts[OPTIONS_MOST];
  size_t count = options_texts(texts);
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    lua_createtable(L, 0, 5);
    set_string(L, "short", texts[i]->short_name);
    set_string(L, "long", texts[i]->long_name);
    set_string(L, "value", texts[i]->value);
    set_string(L, "help", texts[i]->help);
    lua_pushboolean(L, texts[i]->late);
    lua_setfield(L, -2, "late");
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

// Upvalues: the options (light userdata), the script's path or nil.
static int open_host(lua_State *L) {
  const Options *options = lua_touserdata(L, lua_upvalueindex(1));
  lua_createtable(L, 0, 3);
  set_string(L, "version", PGHOST_VERSION);
  set_string(L, "lua_version", LUA_VERSION_MAJOR "." LUA_VERSION_MINOR "." LUA_VERSION_RELEASE);
  set_string(L, "root", library_root());
  push_option_texts(L);
  lua_setfield(L, -2, "option_texts");
  retry_push(L);
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_setfield(L, -2, "script");
  lua_createtable(L, 0, 3);
  set_string(L, "dsn", options->dsn);
  set_string(L, "log_format", options->log_format);
  set_string(L, "color", options->color);
  lua_pushboolean(L, options->quiet);
  lua_setfield(L, -2, "quiet");
  lua_setfield(L, -2, "options");
  return 1;
}

void modules_preload(lua_State *L, const Options *options, const char *script) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
    lua_pushstring(L, modules[i][1]);
    lua_pushstring(L, modules[i][2]);
    lua_pushcclosure(L, open_native, 2);
    lua_setfield(L, -2, modules[i][0]);
  }
  lua_pushlightuserdata(L, (void *)options);
  lua_pushstring(L, script);
  lua_pushcclosure(L, open_host, 2);
  lua_setfield(L, -2, "pghost.native.host");
  lua_pop(L, 1);
}
