// package.path without relative entries, and a searcher of our own before the usual ones.
#define _POSIX_C_SOURCE 200809L
#include "module_search.h"

#include <lauxlib.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "complaint.h"
#include "library.h"
#include "module_image.h"

#define OWN_PREFIX "pghost."

// What the library requires beside its own modules; a spec holds this against its sources.
static const char *const packages[] = {"argparse", "cjson",       "lfs",
                                       "busted",   "busted.core", "busted.runner"};

static bool is_package(const char *name) {
  for (size_t i = 0; i < sizeof packages / sizeof *packages; i++)
    if (strcmp(name, packages[i]) == 0)
      return true;
  return false;
}

// A loader and its argument, for a Lua file.
static int load_file(lua_State *L, const char *path) {
  if (luaL_loadfile(L, path) != LUA_OK)
    return lua_error(L);
  lua_pushstring(L, path);
  return 2;
}

static int load_own_file(lua_State *L, const char *path, const char *name) {
  if (module_image_load(L, path, name) != LUA_OK)
    return lua_error(L);
  lua_pushstring(L, path);
  return 2;
}

static int find_own(lua_State *L, const char *name) {
  static const char *const endings[] = {".lua", "/init.lua"};
  const char *root = library_root();
  const char *file = luaL_gsub(L, name, ".", "/");
  for (size_t i = 0; root && i < sizeof endings / sizeof *endings; i++) {
    const char *below = lua_pushfstring(L, "%s%s", file, endings[i]);
    const char *path = lua_pushfstring(L, "%s/scripts/%s", root, below);
    if (access(path, R_OK) == 0)
      return load_own_file(L, path, below);
  }
  luaL_where(L, 2); // of the call of require, which is level 1
  lua_pushfstring(L, "module '%s' not found: the library in '%s/scripts' has no such module", name,
                  root ? root : "");
  lua_concat(L, 2);
  return lua_error(L);
}

// package.searchpath(name, path): the file, or NULL. Pushes one value.
static const char *search_path(lua_State *L, const char *name, int path) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "searchpath");
  lua_remove(L, -2);
  lua_pushstring(L, name);
  lua_pushvalue(L, path);
  lua_call(L, 2, 1);
  return lua_tostring(L, -1);
}

// Upvalues 1 and 2: package.path and cpath as they were without the script's folder.
static int find_package(lua_State *L, const char *name) {
  const char *file = search_path(L, name, lua_upvalueindex(1));
  if (file)
    return load_file(L, file);
  file = search_path(L, name, lua_upvalueindex(2));
  if (!file)
    return luaL_error(L, "module '%s' not found in '%s' nor in '%s'", name,
                      lua_tostring(L, lua_upvalueindex(1)), lua_tostring(L, lua_upvalueindex(2)));
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "loadlib");
  lua_pushstring(L, file);
  lua_pushfstring(L, "luaopen_%s", name);
  lua_call(L, 2, 2);
  if (lua_isnil(L, -2))
    return lua_error(L);
  lua_pop(L, 1);
  lua_pushstring(L, file);
  return 2;
}

static int search(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  if (strncmp(name, OWN_PREFIX, strlen(OWN_PREFIX)) == 0)
    return find_own(L, name);
  if (is_package(name))
    return find_package(L, name);
  return 0;
}

// Pushes the absolute ones of the templates in package[field].
static void push_absolute(lua_State *L, const char *field) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, field);
  const char *at = lua_tostring(L, -1) ? lua_tostring(L, -1) : "";
  luaL_Buffer kept;
  luaL_buffinit(L, &kept);
  while (*at) {
    size_t length = strcspn(at, ";");
    if (*at == '/') {
      if (luaL_bufflen(&kept) > 0)
        luaL_addchar(&kept, ';');
      luaL_addlstring(&kept, at, length);
    }
    at += length + (at[length] == ';');
  }
  luaL_pushresult(&kept);
  lua_replace(L, -3); // kept, path
  lua_pop(L, 1);
}

// "/folder/?.lua;/folder/?/init.lua;" on the stack; an empty text for a folder that a template
// cannot name.
static void push_templates(lua_State *L, const char *folder, const char *what) {
  if (!folder) {
    lua_pushliteral(L, "");
  } else if (strpbrk(folder, ";?")) {
    lua_pushfstring(L, "warning: modules in %s '%s' are not found: ';' or '?' is in its name", what,
                    folder);
    complaint_write(lua_tostring(L, -1), 0);
    lua_pop(L, 1);
    lua_pushliteral(L, "");
  } else {
    lua_pushfstring(L, "%s/?.lua;%s/?/init.lua;", folder, folder);
  }
}

// Pushes the absolute path of the script's folder, nil without a script.
static const char *push_folder(lua_State *L, const char *script) {
  char here[PATH_MAX];
  if (!script) {
    lua_pushnil(L);
    return NULL;
  }
  const char *slash = strrchr(script, '/');
  lua_pushlstring(L, script, slash ? (size_t)(slash - script) : 0);
  if (script[0] == '/')
    return lua_tostring(L, -1);
  if (!getcwd(here, sizeof here))
    luaL_error(L, "could not determine the current folder");
  lua_pushfstring(L, slash ? "%s/%s" : "%s%s", here, lua_tostring(L, -1));
  lua_remove(L, -2);
  return lua_tostring(L, -1);
}

static void set_field(lua_State *L, const char *field) {
  lua_getglobal(L, "package");
  lua_insert(L, -2);
  lua_setfield(L, -2, field);
  lua_pop(L, 1);
}

static void set_path(lua_State *L, const char *script) {
  const char *folder = push_folder(L, script);
  push_templates(L, folder, "the script's folder");
  const char *root = library_root();
  const char *scripts = root ? lua_pushfstring(L, "%s/scripts", root) : NULL;
  push_templates(L, scripts, "the library's folder");
  if (scripts)
    lua_remove(L, -2);
  push_absolute(L, "path"); // folder, its templates, the library's, theirs
  lua_concat(L, 3);
  set_field(L, "path");
  lua_pop(L, 1);
  push_absolute(L, "cpath");
  set_field(L, "cpath");
}

void module_search_install(lua_State *L, const char *script) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "searchers"); // package, searchers
  for (lua_Integer i = luaL_len(L, -1); i >= 2; i--) {
    lua_rawgeti(L, -1, i);
    lua_rawseti(L, -2, i + 1);
  }
  push_absolute(L, "path");
  push_absolute(L, "cpath");
  lua_pushcclosure(L, search, 2);
  lua_rawseti(L, -2, 2); // after package.preload
  lua_pop(L, 2);
  set_path(L, script);
}
