// Completion: walks the fields of a dotted name by raw access, in a protected call.
#define _POSIX_C_SOURCE 200809L
#include "completion.h"

#include <ctype.h>
#include <lauxlib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char *const keywords[] = {"and",   "break", "do",       "else", "elseif", "end",
                                       "false", "for",   "function", "goto", "if",     "in",
                                       "local", "nil",   "not",      "or",   "repeat", "return",
                                       "then",  "true",  "until",    "while"};

typedef struct Request {
  const char *line;
  size_t length;
  size_t typed;
  char *names; // out
} Request;

static bool is_name_byte(char byte) {
  return isalnum((unsigned char)byte) || byte == '_';
}

// Replaces the value on top by its field, looked up in tables only: itself, then along __index.
static void raw_field(lua_State *L, const char *name, size_t length) {
  for (int depth = 0; depth < 10 && !lua_isnil(L, -1); depth++) {
    if (lua_istable(L, -1)) {
      lua_pushlstring(L, name, length);
      if (lua_rawget(L, -2) != LUA_TNIL) {
        lua_remove(L, -2);
        return;
      }
      lua_pop(L, 1);
    }
    if (luaL_getmetafield(L, -1, "__index") == LUA_TNIL)
      break;
    lua_remove(L, -2);
  }
  lua_pop(L, 1);
  lua_pushnil(L);
}

static bool starts_with(const char *name, const Request *request) {
  const char *typed = request->line + request->length - request->typed;
  return strncmp(name, typed, request->typed) == 0;
}

static bool is_name(const char *text) {
  if (!*text || isdigit((unsigned char)*text))
    return false;
  while (is_name_byte(*text))
    text++;
  return *text == 0;
}

// Collects the fitting string keys of the value on top and of what its __index leads to, as keys
// of the table at `found`. Pops the value.
static void collect(lua_State *L, const Request *request, int found) {
  for (int depth = 0; depth < 10; depth++) {
    if (lua_istable(L, -1)) {
      for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
          continue;
        const char *name = lua_tostring(L, -2);
        if (!is_name(name) || !starts_with(name, request))
          continue;
        lua_pushvalue(L, -2);
        lua_pushboolean(L, 1);
        lua_rawset(L, found);
      }
    }
    if (luaL_getmetafield(L, -1, "__index") == LUA_TNIL)
      break;
    lua_remove(L, -2);
  }
  lua_pop(L, 1);
}

static void collect_words(lua_State *L, const Request *request, int found) {
  for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
    if (!starts_with(keywords[i], request))
      continue;
    lua_pushboolean(L, 1);
    lua_setfield(L, found, keywords[i]);
  }
  if (starts_with("conn", request)) { // opened on first use
    lua_pushboolean(L, 1);
    lua_setfield(L, found, "conn");
  }
}

static int compare_names(const void *one, const void *other) {
  return strcmp(*(const char *const *)one, *(const char *const *)other);
}

// The keys of the table at `found`, sorted, as one string.
static char *join(lua_State *L, int found) {
  size_t count = 0, size = 1;
  for (lua_pushnil(L); lua_next(L, found); lua_pop(L, 1)) {
    count++;
    size += lua_rawlen(L, -2) + 1;
  }
  const char **names = calloc(count + 1, sizeof *names);
  char *text = count ? malloc(size) : NULL;
  size_t i = 0;
  if (names && text) {
    for (lua_pushnil(L); lua_next(L, found); lua_pop(L, 1))
      names[i++] = lua_tostring(L, -2);
    qsort(names, count, sizeof *names, compare_names);
    char *out = text;
    for (i = 0; i < count; i++) {
      out = stpcpy(out, names[i]);
      *out++ = '\n';
    }
    *out = 0;
  }
  free(names);
  return text;
}

// Start of the dotted name at the end of the line.
static size_t name_start(const Request *request) {
  size_t at = request->length;
  while (at > 0 && (is_name_byte(request->line[at - 1]) || strchr(".:", request->line[at - 1])))
    at--;
  return at;
}

static int complete_protected(lua_State *L) {
  Request *request = lua_touserdata(L, 1);
  size_t at = name_start(request);
  size_t end = request->length;
  while (end > at && is_name_byte(request->line[end - 1]))
    end--;
  request->typed = request->length - end;
  lua_newtable(L);
  int found = lua_gettop(L);
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
  bool is_global = at == end;
  while (at < end) {
    size_t length = 0;
    while (at + length < end && is_name_byte(request->line[at + length]))
      length++;
    raw_field(L, request->line + at, length);
    at += length + 1;
  }
  collect(L, request, found);
  if (is_global)
    collect_words(L, request, found);
  request->names = join(L, found);
  return 0;
}

char *complete_names(lua_State *L, const char *line, size_t length, size_t *typed) {
  Request request = {.line = line, .length = length};
  lua_pushcfunction(L, complete_protected);
  lua_pushlightuserdata(L, &request);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK)
    lua_pop(L, 1);
  *typed = request.typed;
  return request.names;
}
