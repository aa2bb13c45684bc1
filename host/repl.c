// The loop of the REPL: chunks of one or more lines, results, interruptions, the lazy `conn`.
#define _POSIX_C_SOURCE 200809L
#include "repl.h"

#include <lauxlib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "complaint.h"
#include "line_editor.h"
#include "run.h"
#include "signals.h"

// __index of the globals: `conn` is opened when it is first used. Upvalue: the __index before.
static int lazy_global(lua_State *L) {
  if (lua_type(L, 2) == LUA_TSTRING && strcmp(lua_tostring(L, 2), "conn") == 0) {
    lua_getglobal(L, "require");
    lua_pushliteral(L, "pghost.connection");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "open");
    lua_call(L, 0, 1);
    lua_pushvalue(L, -1); // conn, conn
    lua_setglobal(L, "conn");
    return 1;
  }
  lua_settop(L, 2);
  if (lua_isnil(L, lua_upvalueindex(1)))
    return 0;
  if (!lua_isfunction(L, lua_upvalueindex(1))) {
    lua_gettable(L, lua_upvalueindex(1));
    return 1;
  }
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, 2, 1);
  return 1;
}

static void make_conn_lazy(lua_State *L) {
  lua_pushglobaltable(L);
  if (!lua_getmetatable(L, -1))
    lua_newtable(L);
  lua_getfield(L, -1, "__index"); // _G, metatable, index
  lua_pushcclosure(L, lazy_global, 1);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
}

// Does a syntax error say that the chunk only stops too early?
static bool is_incomplete(lua_State *L) {
  size_t length;
  const char *message = lua_tolstring(L, -1, &length);
  const char mark[] = "<eof>";
  return length >= sizeof mark - 1 && strcmp(message + length - (sizeof mark - 1), mark) == 0;
}

static int load_text(lua_State *L, const char *text) {
  return luaL_loadbufferx(L, text, strlen(text), "=stdin", "t");
}

// Loads the text as an expression ("= expr" too), else as statements: a function or a message is
// pushed.
static int load_chunk(lua_State *L, const char *text) {
  const char *start = text + strspn(text, " \t");
  lua_pushfstring(L, "return %s", *start == '=' ? start + 1 : text);
  int status = load_text(L, lua_tostring(L, -1));
  if (status != LUA_OK && *start != '=') {
    lua_pop(L, 1);
    status = load_text(L, text);
  }
  lua_remove(L, -2);
  return status;
}

static LineResult read_line(lua_State *L, LineReader *reader, bool continues) {
  const char *line = NULL;
  LineResult result = line_read(reader, continues, &line);
  if (result == LINE_READ)
    lua_pushstring(L, line);
  return result;
}

// Reads lines until they make a chunk or a real syntax error. Leaves the text and the function or
// message on the stack; `status` is that of loading.
static LineResult read_chunk(lua_State *L, LineReader *reader, int *status) {
  LineResult result = read_line(L, reader, false);
  while (result == LINE_READ) {
    *status = load_chunk(L, lua_tostring(L, -1));
    if (*status != LUA_ERRSYNTAX || !is_incomplete(L))
      return LINE_READ;
    result = read_line(L, reader, true); // text, message, line
    if (result == LINE_END)
      return LINE_READ; // the message says what is missing
    if (result == LINE_READ) {
      lua_remove(L, -2);
      lua_concat(L, 2);
    }
  }
  return result;
}

// print_values(...): results of queries as tables, anything else as `print` does.
static int print_values(lua_State *L) {
  int count = lua_gettop(L);
  for (int i = 1; i <= count; i++) {
    if (luaL_getmetafield(L, i, "__name") != LUA_TNIL) {
      const char *name = lua_tostring(L, -1);
      if (name && strcmp(name, "pghost.native.result") == 0) {
        lua_getglobal(L, "require");
        lua_pushliteral(L, "pghost.lib.print");
        lua_call(L, 1, 1);
        lua_getfield(L, -1, "result");
        lua_pushvalue(L, i);
        lua_createtable(L, 0, 1);
        lua_pushinteger(L, 500);
        lua_setfield(L, -2, "limit");
        lua_call(L, 2, 0);
        lua_settop(L, count);
        continue;
      }
    }
    lua_settop(L, count);
    luaL_tolstring(L, i, NULL);
    fputs(lua_tostring(L, -1), stdout);
    putchar(i < count ? '\t' : '\n');
    lua_settop(L, count);
  }
  fflush(stdout);
  return 0;
}

// Says that the chunk was stopped, and carries on.
static void forget_interruption(lua_State *L) {
  if (interrupt_signal != SIGINT)
    return;
  signals_clear(L);
  complaint_write("interrupted");
}

// Runs the function on top of the stack and prints its results. Pops it.
static void run_and_print(lua_State *L) {
  int base = lua_gettop(L) - 1;
  int bad = run_call(L, 0, LUA_MULTRET);
  if (!bad && lua_gettop(L) > base) {
    lua_pushcfunction(L, print_values);
    lua_insert(L, base + 1);
    run_call(L, lua_gettop(L) - base - 1, 0);
  }
  lua_settop(L, base);
  forget_interruption(L);
}

static void remember(LineReader *reader, const char *text) {
  size_t length = strlen(text);
  char *copy = strndup(text, length > 0 && text[length - 1] == '\n' ? length - 1 : length);
  if (copy)
    line_remember(reader, copy);
  free(copy);
}

static int loop(lua_State *L, LineReader *reader) {
  for (;;) {
    int status = LUA_OK;
    int top = lua_gettop(L);
    LineResult result = read_chunk(L, reader, &status);
    if (result == LINE_READ) {
      remember(reader, lua_tostring(L, -2)); // text, function or message
      if (status == LUA_OK)
        run_and_print(L);
      else
        complaint_write(lua_tostring(L, -1));
    }
    lua_settop(L, top);
    if (result == LINE_END)
      return 0;
    if (interrupt_signal == SIGINT)
      signals_clear(L);
    if (interrupt_signal != 0)
      return 1; // main makes it 128 + signal
  }
}

static int loop_protected(lua_State *L) {
  LineReader *reader = lua_touserdata(L, 1);
  lua_pushinteger(L, loop(L, reader));
  return 1;
}

int repl_run(lua_State *L, bool quiet) {
  LineReader *reader = line_open(L);
  if (!reader) {
    complaint_write("not enough memory");
    return 1;
  }
  if (!quiet && isatty(STDIN_FILENO))
    printf("pghost %s, %s: `conn` is the database, Ctrl-D leaves\n", PGHOST_VERSION, LUA_RELEASE);
  make_conn_lazy(L);
  signals_set_interactive(true);
  lua_pushcfunction(L, loop_protected);
  lua_pushlightuserdata(L, reader);
  int code = run_call(L, 1, 1);
  if (code == 0) {
    code = (int)lua_tointeger(L, -1);
    lua_pop(L, 1);
  }
  signals_set_interactive(false);
  line_close(reader);
  return code;
}
