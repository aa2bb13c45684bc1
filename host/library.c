// Finding the Lua library from /proc/self/exe upwards, and the files of its subcommands.
#define _DEFAULT_SOURCE // S_ISVTX
#include "library.h"

#include <dirent.h>
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

// /tmp and similar: anybody can put a scripts/pghost there, so the walk skips it.
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

bool library_built(const char *name, char path[PATH_MAX]) {
  static const char *const places[] = {"", "/../" PGHOST_LIBDIR};
  char folder[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", folder, sizeof folder - 1);
  folder[length < 0 ? 0 : length] = 0;
  char *slash = strrchr(folder, '/');
  if (!slash)
    return false;
  *slash = 0;
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    int used = snprintf(path, PATH_MAX, "%s%s/%s", folder, places[i], name);
    if (used > 0 && used < PATH_MAX && access(path, R_OK) == 0)
      return true;
  }
  return false;
}

static bool is_command_name(const char *name) {
  return name[0] && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
}

static bool command_path(const char *name, char *path, size_t size) {
  const char *root = library_root();
  return root && is_command_name(name) &&
         snprintf(path, size, "%s/scripts/pghost/command/%s.lua", root, name) < (int)size &&
         access(path, R_OK) == 0;
}

bool library_push_command(lua_State *L, const char *name) {
  char path[PATH_MAX];
  if (!command_path(name, path, sizeof path))
    return false;
  lua_pushstring(L, path);
  lua_pushfstring(L, "pghost/command/%s.lua", name);
  return true;
}

static int is_command_file(const struct dirent *entry) {
  size_t length = strlen(entry->d_name);
  return length > 4 && strcmp(entry->d_name + length - 4, ".lua") == 0;
}

size_t library_commands(LibraryCommand commands[LIBRARY_MOST_COMMANDS]) {
  char folder[PATH_MAX];
  struct dirent **entries = NULL;
  int count = -1;
  size_t used = 0;
  if (library_root() && snprintf(folder, sizeof folder, "%s/scripts/pghost/command",
                                 library_root()) < (int)sizeof folder)
    count = scandir(folder, &entries, is_command_file, alphasort);
  for (int i = 0; i < count; i++) {
    size_t length = strlen(entries[i]->d_name) - 4;
    if (length < sizeof commands->name && used < LIBRARY_MOST_COMMANDS)
      snprintf(commands[used++].name, sizeof commands->name, "%.*s", (int)length,
               entries[i]->d_name);
    free(entries[i]);
  }
  free(entries);
  return used;
}

bool library_has_command(const char *name) {
  char path[PATH_MAX];
  return command_path(name, path, sizeof path);
}
