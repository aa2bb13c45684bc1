// Marks each line of Lua that is executed. A build for coverage has this in its executable, where
// it stands before luaL_newstate and lua_sethook of the library of Lua.
//
// PGHOST_LINES_HIT is the folder: one file for each module of the library, a byte for each of its
// lines, 1 once the line was executed. The files are shared mappings: processes add to the same
// ones, and what is killed has nothing left to write.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <lua.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_LINES = 4096, MAX_MODULES = 1024 };

typedef struct Module {
  char *source;
  unsigned char *lines; // NULL: not a module of the library
} Module;

static Module modules[MAX_MODULES];
static size_t module_count;
static const Module *last;

// A source is "@/folder/scripts/pghost/room/name.lua"; the file of it "pghost+room+name.lua".
static unsigned char *map_lines(const char *source) {
  const char *name = strstr(source, "scripts/pghost/");
  if (source[0] != '@' || !name)
    return NULL;
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", PGHOST_LINES_HIT, name + strlen("scripts/"));
  for (char *at = path + strlen(PGHOST_LINES_HIT "/"); *at; at++)
    *at = *at == '/' ? '+' : *at;
  int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0 || ftruncate(file, MAX_LINES) != 0)
    return NULL;
  void *lines = mmap(NULL, MAX_LINES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  return lines == MAP_FAILED ? NULL : lines;
}

static const Module *find_module(const char *source) {
  for (size_t i = 0; i < module_count; i++)
    if (strcmp(modules[i].source, source) == 0)
      return &modules[i];
  if (module_count == MAX_MODULES)
    return NULL;
  Module *module = &modules[module_count++];
  *module = (Module){.source = strdup(source), .lines = map_lines(source)};
  return module;
}

static void mark(lua_State *L, lua_Debug *ar) {
  int line = ar->currentline;
  lua_getinfo(L, "S", ar);
  if (!last || strcmp(last->source, ar->source) != 0)
    last = ar->source[0] == '@' ? find_module(ar->source) : NULL;
  if (last && last->lines && line > 0 && line < MAX_LINES)
    last->lines[line] = 1;
}

static void set_real_hook(lua_State *L, lua_Hook hook, int mask, int count) {
  void (*real)(lua_State *, lua_Hook, int, int) =
      (void (*)(lua_State *, lua_Hook, int, int))dlsym(RTLD_NEXT, "lua_sethook");
  real(L, hook, mask, count);
}

// The host sets a hook to interrupt, and later removes it.
void(lua_sethook)(lua_State *L, lua_Hook hook, int mask, int count) {
  if (hook)
    set_real_hook(L, hook, mask, count);
  else
    set_real_hook(L, mark, LUA_MASKLINE, 0);
}

lua_State *(luaL_newstate)(void) {
  lua_State *(*real)(void) = (lua_State * (*)(void)) dlsym(RTLD_NEXT, "luaL_newstate");
  lua_State *L = real();
  if (L)
    set_real_hook(L, mark, LUA_MASKLINE, 0);
  return L;
}
