// What `require` finds without a file: the native modules, loaded when first asked for, and
// pghost.native.host: options, version, script, attempt.
#include "native_modules.h"

#include <dlfcn.h>
#include <lauxlib.h>

#include "complaint.h"
#include "library.h"
#include "module_image.h"
#include "retry.h"

// The shared object of a module. Later ones find the symbols they need in the first because it is
// loaded already.
typedef enum Object { OBJECT_NATIVE, OBJECT_DATABASE, OBJECT_REMOTE, OBJECTS } Object;

typedef struct NativeModule {
  const char *name;
  const char *opens; // the function that does
  Object object;
} NativeModule;

static const NativeModule modules[] = {
    {"pghost.native.csv", "luaopen_pghost_native_csv", OBJECT_NATIVE},
    {"pghost.native.rules", "luaopen_pghost_native_rules", OBJECT_NATIVE},
    {"pghost.native.profile", "luaopen_pghost_native_profile", OBJECT_NATIVE},
    {"pghost.native.sniff", "luaopen_pghost_native_sniff", OBJECT_NATIVE},
    {"pghost.native.sys", "luaopen_pghost_native_sys", OBJECT_NATIVE},
    {"pghost.native.conn", "luaopen_pghost_native_conn", OBJECT_DATABASE},
    {"pghost.native.load", "luaopen_pghost_native_load", OBJECT_DATABASE},
    {"pghost.native.server", "luaopen_pghost_native_server", OBJECT_DATABASE},
    {"pghost.native.remote", "luaopen_pghost_native_remote", OBJECT_REMOTE},
};

// Never unloaded: libraries below them run threads and handlers at exit. They themselves are bound
// at once, by their link flags; the 30 libraries below libpq, few of which are ever called, are
// bound as they are used.
static void *load_object(lua_State *L, Object object) {
  static const char *const names[OBJECTS] = {"pghost_native.so", "pghost_database.so",
                                             "pghost_remote.so"};
  static void *handles[OBJECTS];
  char path[PATH_MAX];
  if (handles[object])
    return handles[object];
  bool there = library_built(names[object], path);
  if (there)
    handles[object] = dlopen(path, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
  if (!there)
    luaL_error(L, "could not load the native module: %s is not where this binary expects it",
               names[object]);
  if (!handles[object])
    luaL_error(L, "could not load the native module: %s", dlerror());
  return handles[object];
}

static void *native_handle(lua_State *L, Object object) {
  void *first = load_object(L, OBJECT_NATIVE);
  return object == OBJECT_NATIVE ? first : load_object(L, object);
}

// Upvalue: the NativeModule. `require` passes the module's name.
static int open_native(lua_State *L) {
  const NativeModule *module = lua_touserdata(L, lua_upvalueindex(1));
  lua_CFunction open;
  *(void **)&open = dlsym(native_handle(L, module->object), module->opens); // as POSIX shows it
  if (!open)
    return luaL_error(L, "could not load the native module: no function '%s'", module->opens);
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
  set_string(L, "lua_release", module_image_release());
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
    lua_pushlightuserdata(L, (void *)&modules[i]);
    lua_pushcclosure(L, open_native, 1);
    lua_setfield(L, -2, modules[i].name);
  }
  lua_pushlightuserdata(L, (void *)options);
  lua_pushstring(L, script);
  lua_pushcclosure(L, open_host, 2);
  lua_setfield(L, -2, "pghost.native.host");
  lua_pop(L, 1);
}
