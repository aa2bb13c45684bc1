// Makes Lua collect all garbage at each N-th new object, for the specs: a library for LD_PRELOAD
// that stands before luaL_newstate. What a binding holds without an anchor is gone at once, and
// under AddressSanitizer its use is a report.
//
// PGHOST_COLLECT_EVERY="N[+K]": each N-th object, beginning with the K-th. The allocator refuses
// once, and Lua then collects everything before it asks again (an emergency collection, which calls
// no finalizers). PGHOST_COLLECT_MODE=incremental: lua_gc does not change to generational.
// PGHOST_COLLECT_COUNT=FILE: how many collections there were, written at the end.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t every;
static uint64_t until;
static uint64_t collections;
static bool incremental;
static lua_Alloc allocate;
static void *allocate_data;
static bool asked; // and refused: Lua asks again
static char *count_path;

// Objects alone, for which the old size is their type: the buffers of lauxlib (resizebox) do not
// ask again.
static void *refuse_once(void *data, void *block, size_t old_size, size_t size) {
  (void)data;
  bool creates = size > 0 && !block && old_size > 0;
  if (creates && !asked && --until == 0) {
    until = every;
    asked = true;
    collections++;
    return NULL;
  }
  asked = asked && !creates;
  return allocate(allocate_data, block, old_size, size);
}

static void write_count(void) {
  FILE *file = fopen(count_path, "w");
  if (file) {
    fprintf(file, "%llu\n", (unsigned long long)collections);
    fclose(file);
  }
}

static void read_environment(void) {
  const char *text = getenv("PGHOST_COLLECT_EVERY");
  const char *mode = getenv("PGHOST_COLLECT_MODE");
  char *rest = NULL;
  every = text ? strtoull(text, &rest, 10) : 0;
  until = rest && *rest == '+' ? strtoull(rest + 1, NULL, 10) : every;
  until = until ? until : every;
  incremental = mode && strcmp(mode, "incremental") == 0;
  const char *path = getenv("PGHOST_COLLECT_COUNT");
  count_path = path ? strdup(path) : NULL;
  if (count_path) {
    atexit(write_count);
    at_quick_exit(write_count);
  }
  unsetenv("LD_PRELOAD");
}

lua_State *(luaL_newstate)(void) {
  lua_State *(*real)(void) = (lua_State * (*)(void)) dlsym(RTLD_NEXT, "luaL_newstate");
  lua_State *L = real();
  if (!every)
    read_environment();
  if (L && every) {
    allocate = lua_getallocf(L, &allocate_data);
    lua_setallocf(L, refuse_once, NULL);
  }
  return L;
}

// Three integers are the most that any request has.
int lua_gc(lua_State *L, int what, ...) {
  int (*real)(lua_State *, int, ...) = (int (*)(lua_State *, int, ...))dlsym(RTLD_NEXT, "lua_gc");
  int more[3] = {0};
  int count = what == LUA_GCINC                                ? 3
              : what == LUA_GCGEN                              ? 2
              : what >= LUA_GCSTEP && what <= LUA_GCSETSTEPMUL ? 1
                                                               : 0;
  va_list list;
  va_start(list, what);
  for (int i = 0; i < count; i++)
    more[i] = va_arg(list, int);
  va_end(list);
  return what == LUA_GCGEN && incremental ? LUA_GCINC : real(L, what, more[0], more[1], more[2]);
}
