// The loop of the prompt: reads lines, passes them to scripts/pghost/prompt, and calls the result.
// The prompt decides what a line means, what is printed and what is remembered; this file has the
// line editor, the protected call and the signals.
#define _POSIX_C_SOURCE 200809L
#include "repl.h"

#include <lauxlib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "complaint.h"
#include "lazy_conn.h"
#include "line_editor.h"
#include "run.h"
#include "signals.h"

enum { SESSION = 1, READER = 2 }; // places on the stack of loop_protected

static void push_method(lua_State *L, const char *name) {
  lua_getfield(L, SESSION, name);
  lua_pushvalue(L, SESSION);
}

// Reports that what ran was stopped, and continues.
static void forget_interruption(lua_State *L) {
  if (interrupt_signal != SIGINT)
    return;
  signals_clear(L);
  complaint_write("interrupted", 0);
}

// session:take() gives the function to call, session:show(...) prints what that returns.
static void run_taken(lua_State *L) {
  int top = lua_gettop(L);
  push_method(L, "take");
  if (run_call(L, 1, 1) == 0) {
    push_method(L, "show");
    lua_rotate(L, top + 1, 2); // show, session, function
    if (run_call(L, 0, LUA_MULTRET) == 0)
      run_call(L, lua_gettop(L) - top - 1, 0);
  }
  lua_settop(L, top);
  forget_interruption(L);
}

// What came from elsewhere than the line: session.edited, once.
static void remember_edited(lua_State *L, LineReader *reader) {
  if (lua_getfield(L, SESSION, "edited") == LUA_TSTRING) {
    line_remember(reader, lua_tostring(L, -1));
    lua_pushnil(L);
    lua_setfield(L, SESSION, "edited");
  }
  lua_pop(L, 1);
}

// session:add(line) -> whether there is something to run, what of it is remembered.
static void add_line(lua_State *L, LineReader *reader, const char *line) {
  int top = lua_gettop(L);
  push_method(L, "add");
  lua_pushstring(L, line);
  if (run_call(L, 2, 2) == 0) {
    bool ready = lua_toboolean(L, -2);
    if (lua_isstring(L, -1))
      line_remember(reader, lua_tostring(L, -1));
    lua_settop(L, top);
    if (ready)
      run_taken(L);
    remember_edited(L, reader);
  }
  lua_settop(L, top);
  forget_interruption(L);
}

// The line is dropped, and what came before it of the same chunk.
static void reset(lua_State *L) {
  signals_clear(L);
  push_method(L, "reset");
  run_call(L, 1, 0);
}

static bool has_left(lua_State *L) {
  lua_getfield(L, SESSION, "left");
  bool left = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return left;
}

// session:prompt() also says what has happened to the connection.
static LineResult read_line(lua_State *L, LineReader *reader, const char **line) {
  push_method(L, "prompt");
  if (run_call(L, 1, 1) != 0)
    lua_pushliteral(L, "> ");
  LineResult result = line_read(reader, lua_tostring(L, -1), line);
  lua_pop(L, 1);
  return result;
}

static int loop(lua_State *L, LineReader *reader) {
  while (!has_left(L)) {
    const char *line = NULL;
    LineResult result = read_line(L, reader, &line);
    if (result == LINE_READ)
      add_line(L, reader, line);
    if (result == LINE_END) {
      push_method(L, "finish");
      run_call(L, 1, 0);
      return 0;
    }
    if (interrupt_signal == SIGINT)
      reset(L);
    if (interrupt_signal != 0)
      return 1; // main makes it 128 + signal
  }
  return 0;
}

static int loop_protected(lua_State *L) {
  LineReader *reader = lua_touserdata(L, READER);
  lua_pushinteger(L, loop(L, reader));
  return 1;
}

// Pushes the session; false after saying why there is none.
static bool push_session(lua_State *L) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "pghost.prompt");
  if (run_call(L, 1, 1) != 0)
    return false;
  lua_getfield(L, -1, "new");
  lua_remove(L, -2);
  return run_call(L, 0, 1) == 0;
}

static int reference_to(lua_State *L, const char *field) {
  lua_getfield(L, -1, field);
  return luaL_ref(L, LUA_REGISTRYINDEX);
}

int repl_run(lua_State *L, bool quiet) {
  lazy_conn_install(L);
  if (!push_session(L))
    return 1;
  int complete = reference_to(L, "complete");
  int paint = reference_to(L, "paint"); // nil, a line without colors, is LUA_REFNIL
  LineReader *reader = line_open(L, complete, paint == LUA_REFNIL ? LUA_NOREF : paint);
  if (!reader) {
    complaint_write("out of memory", 1);
    return 1;
  }
  if (!quiet && isatty(STDIN_FILENO))
    printf("pghost %s, %s: Lua and SQL in one, Ctrl-D leaves\n", PGHOST_VERSION, LUA_RELEASE);
  signals_set_interactive(true);
  lua_pushcfunction(L, loop_protected);
  lua_insert(L, -2);
  lua_pushlightuserdata(L, reader);
  int code = run_call(L, 2, 1);
  if (code == 0) {
    code = (int)lua_tointeger(L, -1);
    lua_pop(L, 1);
  }
  signals_set_interactive(false);
  line_close(reader);
  luaL_unref(L, LUA_REGISTRYINDEX, complete);
  luaL_unref(L, LUA_REGISTRYINDEX, paint);
  return code;
}
