// Messages of the host, as text or JSON.
#include "complaint.h"

#include <lauxlib.h>
#include <stdio.h>
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

void complaint_write(const char *message) {
  message = in_our_words(message);
  fflush(stdout);
  if (as_json) {
    begin_json(message);
    fputs("}\n", stderr);
  } else {
    write_text(message, false);
  }
  fflush(stderr);
}

void complaint_write_error(lua_State *L, int index, const char *message) {
  message = in_our_words(message);
  static const char *const fields[] = {"code", "exit", "file", "line", "column"};
  fflush(stdout);
  if (as_json) {
    begin_json(message);
    for (size_t i = 0; lua_istable(L, index) && i < sizeof fields / sizeof *fields; i++)
      put_field(L, lua_absindex(L, index), fields[i]);
    fputs("}\n", stderr);
  } else {
    write_text(message, true);
  }
  fflush(stderr);
}
