// What `require` finds without a file: the native modules, loaded when first asked for, and
// pghost.native.host: options, version, script, attempt.
#include "native_modules.h"

#include <dlfcn.h>
#include <lauxlib.h>

#include "complaint.h"
#include "library.h"
#include "retry.h"

// A name, and the function of the native module that opens it.
static const char *const modules[][2] = {
    {"pghost.native.conn", "luaopen_pghost_native_conn"},
    {"pghost.native.csv", "luaopen_pghost_native_csv"},
    {"pghost.native.rules", "luaopen_pghost_native_rules"},
    {"pghost.native.load", "luaopen_pghost_native_load"},
    {"pghost.native.profile", "luaopen_pghost_native_profile"},
    {"pghost.native.sniff", "luaopen_pghost_native_sniff"},
    {"pghost.native.sys", "luaopen_pghost_native_sys"},
    {"pghost.native.server", "luaopen_pghost_native_server"},
};

// The module is never unloaded: libraries below it run threads and handlers at exit. Itself it is
// bound at once, by its link flags; the 30 libraries below libpq, few of which are ever called, are
// bound as they are used.
static void *native_handle(lua_State *L) {
  static void *handle;
  const char *path = library_native();
  if (!handle && path)
    handle = dlopen(path, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
  if (!handle)
    luaL_error(L, "could not load the native module: %s",
               path ? dlerror() : "pghost_native.so is not where this binary expects it");
  return handle;
}

// Upvalue: the name of the function. `require` passes the module's name.
static int open_native(lua_State *L) {
  const char *symbol = lua_tostring(L, lua_upvalueindex(1));
  lua_CFunction open;
  *(void **)&open = dlsym(native_handle(L), symbol); // as POSIX shows it
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

// host.done(what)
static int note_done(lua_State *L) {
  complaint_note_done(luaL_checkstring(L, 1));
  return 0;
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
  lua_pushcfunction(L, note_done);
  lua_setfield(L, -2, "done");
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
    lua_pushcclosure(L, open_native, 1);
    lua_setfield(L, -2, modules[i][0]);
  }
  lua_pushlightuserdata(L, (void *)options);
  lua_pushstring(L, script);
  lua_pushcclosure(L, open_host, 2);
  lua_setfield(L, -2, "pghost.native.host");
  lua_pop(L, 1);
}
