// Messages of the host, as text or JSON.
#include "complaint.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "escaped.h"

static bool as_json;
static char already_done[120] = "";
static char without_memory[128] = "out of memory";

void complaint_use_json(bool json) {
  as_json = json;
}

// From the library's options: a script's own command line may have chosen the format.
static int read_format(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, "pghost.native.host") == LUA_TTABLE &&
      lua_getfield(L, -1, "options") == LUA_TTABLE &&
      lua_getfield(L, -1, "log_format") == LUA_TSTRING)
    as_json = strcmp(lua_tostring(L, -1), "json") == 0;
  return 0;
}

// Also called outside of any protected call: without memory the format stays what it was.
void complaint_follow(lua_State *L) {
  int top = lua_gettop(L);
  lua_pushcfunction(L, read_format);
  lua_pcall(L, 0, 0, 0);
  lua_settop(L, top);
}

void complaint_note_done(const char *what) {
  snprintf(already_done, sizeof already_done, "; %s", what);
  snprintf(without_memory, sizeof without_memory, "out of memory; %s", what);
}

const char *complaint_done(void) {
  return already_done;
}

// Lua words this differently from everybody else.
static const char *in_our_words(const char *message) {
  return strcmp(message, "not enough memory") == 0 ? without_memory : message;
}

static void begin_json(const char *message) {
  char text[32] = "";
  time_t now = time(NULL);
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
  fprintf(
      stderr,
      "{\"time\":\"%s\",\"level\":\"error\",\"event\":\"error\",\"name\":\"pghost\",\"message\":",
      text);
  escaped_write_json(stderr, message);
}

// Fields that are texts and whole numbers alone; the table has no metamethods for these names.
static void put_field(lua_State *L, int index, const char *name) {
  lua_pushstring(L, name);
  lua_rawget(L, index);
  if (lua_isinteger(L, -1))
    fprintf(stderr, ",\"%s\":" LUA_INTEGER_FMT, name, (LUAI_UACINT)lua_tointeger(L, -1));
  else if (lua_type(L, -1) == LUA_TSTRING) {
    fprintf(stderr, ",\"%s\":", name);
    escaped_write_json(stderr, lua_tostring(L, -1));
  }
  lua_pop(L, 1);
}

static void write_text(const char *message, bool lines) {
  fputs("pghost: ", stderr);
  escaped_write(stderr, message, lines);
  fputc('\n', stderr);
}

// The codes of errors that are not error objects: those of the library are made in Lua.
static void put_exit(int exit_code, const char *code) {
  if (exit_code > 0)
    fprintf(stderr, ",\"code\":\"%s\",\"exit\":%d", code, exit_code);
}

// "FILE:LINE: " before an error of Lua's own.
static void put_place(const char *message) {
  const char *end = strstr(message, ": "), *line = end;
  while (line && line > message && line[-1] >= '0' && line[-1] <= '9')
    line--;
  if (!line || line == end || line < message + 2 || line[-1] != ':')
    return;
  char file[512];
  snprintf(file, sizeof file, "%.*s", (int)(line - 1 - message), message);
  fputs(",\"file\":", stderr);
  escaped_write_json(stderr, file);
  fprintf(stderr, ",\"line\":%d", atoi(line));
}

void complaint_write(const char *message, int exit_code) {
  message = in_our_words(message);
  fflush(stdout);
  if (as_json) {
    begin_json(message);
    put_exit(exit_code, exit_code == 2 ? "usage" : exit_code > 128 ? "interrupted" : "host");
    fputs("}\n", stderr);
  } else {
    write_text(message, false);
  }
  fflush(stderr);
}

static bool has_code(lua_State *L, int index) {
  if (!lua_istable(L, index))
    return false;
  lua_pushvalue(L, index);
  lua_pushliteral(L, "code");
  bool has = lua_rawget(L, -2) == LUA_TSTRING;
  lua_pop(L, 2);
  return has;
}

void complaint_write_error(lua_State *L, int index, const char *message, int exit_code) {
  message = in_our_words(message);
  static const char *const fields[] = {"code", "exit", "file", "line", "column"};
  fflush(stdout);
  if (as_json) {
    begin_json(message);
    if (!has_code(L, index)) {
      put_exit(exit_code, "lua");
      put_place(message);
    }
    for (size_t i = 0; lua_istable(L, index) && i < sizeof fields / sizeof *fields; i++)
      put_field(L, lua_absindex(L, index), fields[i]);
    fputs("}\n", stderr);
  } else {
    write_text(message, true);
  }
  fflush(stderr);
}
