// Finding the Lua library from /proc/self/exe upwards, and package.path.
#define _DEFAULT_SOURCE // S_ISVTX
#include "library.h"

#include <dirent.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_folder(const char *path) {
  struct stat facts;
  return stat(path, &facts) == 0 && S_ISDIR(facts.st_mode);
}

// /tmp and its like: anybody can put a scripts/pghost there, so the walk does not look into it.
static bool is_shared_folder(const char *path) {
  struct stat facts;
  return stat(path, &facts) == 0 && (facts.st_mode & S_ISVTX) && (facts.st_mode & S_IWOTH);
}

static bool holds_library(char *root, size_t size, const char *folder, const char *below) {
  char probe[PATH_MAX];
  int length = snprintf(probe, sizeof probe, "%s%s/scripts/pghost", folder, below);
  if (length < 0 || (size_t)length >= sizeof probe || !is_folder(probe))
    return false;
  return snprintf(root, size, "%s%s", folder, below) < (int)size;
}

static bool find_root(char *root, size_t size) {
  char folder[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", folder, sizeof folder - 1);
  if (length < 0)
    return false;
  folder[length] = 0;
  for (char *slash = strrchr(folder, '/'); slash; slash = strrchr(folder, '/')) {
    *slash = 0;
    if (is_shared_folder(folder[0] ? folder : "/"))
      continue;
    if (holds_library(root, size, folder, "/" PGHOST_DATADIR) ||
        holds_library(root, size, folder, ""))
      return true;
  }
  return false;
}

const char *library_root(void) {
  static char root[PATH_MAX];
  static bool looked, found;
  if (!looked)
    found = find_root(root, sizeof root);
  looked = true;
  return found ? root : NULL;
}

const char *library_native(void) {
  static const char *const places[] = {"", "/../" PGHOST_LIBDIR};
  static char path[PATH_MAX];
  char folder[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", folder, sizeof folder - 1);
  folder[length < 0 ? 0 : length] = 0;
  char *slash = strrchr(folder, '/');
  if (!slash)
    return NULL;
  *slash = 0;
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    int used = snprintf(path, sizeof path, "%s%s/pghost_native.so", folder, places[i]);
    if (used > 0 && (size_t)used < sizeof path && access(path, R_OK) == 0)
      return path;
  }
  return NULL;
}

static void add_folder(luaL_Buffer *path, const char *folder, size_t length) {
  luaL_addlstring(path, folder, length);
  luaL_addstring(path, "/?.lua;");
  luaL_addlstring(path, folder, length);
  luaL_addstring(path, "/?/init.lua;");
}

void library_set_path(lua_State *L, const char *script) {
  const char *slash = script ? strrchr(script, '/') : NULL;
  const char *root = library_root();
  lua_getglobal(L, "package");
  luaL_Buffer path;
  luaL_buffinit(L, &path);
  if (slash)
    add_folder(&path, script, (size_t)(slash - script));
  else
    add_folder(&path, ".", 1);
  if (root) {
    luaL_addstring(&path, root);
    luaL_addstring(&path, "/scripts/?.lua;");
    luaL_addstring(&path, root);
    luaL_addstring(&path, "/scripts/?/init.lua;");
  }
  luaL_pushresult(&path);
  lua_getfield(L, -2, "path"); // package, ours, theirs
  lua_concat(L, 2);
  lua_setfield(L, -2, "path");
  lua_pop(L, 1);
}

static bool is_command_name(const char *name) {
  return name[0] && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
}

bool library_push_command(lua_State *L, const char *name) {
  const char *root = library_root();
  if (!root || !is_command_name(name))
    return false;
  const char *path = lua_pushfstring(L, "%s/scripts/pghost/command/%s.lua", root, name);
  if (access(path, R_OK) == 0)
    return true;
  lua_pop(L, 1);
  return false;
}

static int is_command_file(const struct dirent *entry) {
  size_t length = strlen(entry->d_name);
  return length > 4 && strcmp(entry->d_name + length - 4, ".lua") == 0;
}

void library_push_commands(lua_State *L) {
  char folder[PATH_MAX];
  struct dirent **entries = NULL;
  int count = -1;
  if (library_root() && snprintf(folder, sizeof folder, "%s/scripts/pghost/command",
                                 library_root()) < (int)sizeof folder)
    count = scandir(folder, &entries, is_command_file, alphasort);
  char names[1024] = "";
  size_t used = 0;
  for (int i = 0; i < count; i++) {
    size_t length = strlen(entries[i]->d_name) - 4;
    if (used + length + 3 < sizeof names)
      used += (size_t)snprintf(names + used, sizeof names - used, "%s%.*s", used ? ", " : "",
                               (int)length, entries[i]->d_name);
    free(entries[i]);
  }
  free(entries);
  lua_pushstring(L, names);
}
