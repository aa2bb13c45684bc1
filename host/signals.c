// Signal handlers, the hook that raises, and the tracking of the running coroutine.
#define _POSIX_C_SOURCE 200809L
#include "signals.h"

#include <errno.h>
#include <lauxlib.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/interrupt.h"

#define GRACE_NS 2000000000LL
#define SAME_NS 200000000LL // timeout(1) signals its child, and then its whole process group

static lua_State *volatile running; // the coroutine a hook has to be set on; NULL: none
static volatile sig_atomic_t interactive;
static bool raised;
static long long raised_at;

static long long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

// A count hook only: a call hook would raise before a C function's `__close` could run.
static void raise_hook(lua_State *L, lua_Debug *where) {
  (void)where;
  if (interrupt_signal == 0) {
    lua_sethook(L, NULL, 0, 0);
    return;
  }
  if (raised && now_ns() - raised_at < GRACE_NS)
    return;
  if (!raised)
    raised_at = now_ns();
  raised = true;
  lua_pushliteral(L, "interrupted");
  lua_error(L);
}

static void arm(lua_State *L) {
  if (L)
    lua_sethook(L, raise_hook, LUA_MASKCOUNT, 1);
}

static void on_signal(int number) {
  static volatile long long first_at; // other signals are blocked while it runs
  bool first = interrupt_signal == 0 || (interactive && number == SIGINT);
  int error = errno; // of the call that the signal has come into
  long long now = now_ns();
  errno = error;
  if (!first && (number != interrupt_signal || now - first_at >= SAME_NS))
    _exit(128 + number);
  if (!first)
    return;
  first_at = now;
  interrupt_signal = number;
  arm(running);
}

// A write to a pipe without a reader. If nobody reads stdout, stop as for a signal; for any other
// pipe the script sees the write fail and decides.
static void on_broken_pipe(int number) {
  struct pollfd out = {.fd = STDOUT_FILENO};
  int error = errno;
  bool gone = poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP));
  errno = error;
  if (interrupt_signal != 0 || !gone)
    return;
  interrupt_signal = number;
  arm(running);
}

// Resumes co with the `count` values on top of L, with `running` set to it. Returns how
// many results are pushed on L, or -1 with the error value pushed.
static int resume(lua_State *L, lua_State *co, int count) {
  lua_State *before = running;
  int results = 0;
  if (!lua_checkstack(co, count)) {
    lua_pushliteral(L, "too many arguments to resume");
    return -1;
  }
  lua_xmove(L, co, count);
  running = co;
  if (interrupt_signal != 0)
    arm(co);
  int status = lua_resume(co, L, count, &results);
  running = before;
  if (interrupt_signal != 0)
    arm(before);
  if (status != LUA_OK && status != LUA_YIELD) {
    lua_xmove(co, L, 1);
    return -1;
  }
  if (!lua_checkstack(L, results + 1)) {
    lua_pop(co, results);
    lua_pushliteral(L, "too many results to resume");
    return -1;
  }
  lua_xmove(co, L, results);
  return results;
}

// coroutine.resume(co, ...)
static int resume_coroutine(lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  luaL_argexpected(L, co, 1, "thread");
  int results = resume(L, co, lua_gettop(L) - 1);
  lua_pushboolean(L, results >= 0);
  lua_insert(L, results >= 0 ? -(results + 1) : -2);
  return results >= 0 ? results + 1 : 2;
}

// Closes the failed coroutine and passes its error on, strings with the position of the call.
static int fail_wrapped(lua_State *L, lua_State *co) {
  int status = lua_status(co);
  if (status != LUA_OK && status != LUA_YIELD) {
    status = lua_resetthread(co);
    lua_xmove(co, L, 1);
  }
  if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING && interrupt_signal == 0) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

// Upvalue: the coroutine.
static int call_wrapped(lua_State *L) {
  lua_State *co = lua_tothread(L, lua_upvalueindex(1));
  int results = resume(L, co, lua_gettop(L));
  return results >= 0 ? results : fail_wrapped(L, co);
}

// coroutine.wrap(f)
static int wrap_coroutine(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_State *co = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  lua_pushcclosure(L, call_wrapped, 1);
  return 1;
}

static void track_coroutines(lua_State *L) {
  lua_getglobal(L, "coroutine");
  lua_pushcfunction(L, resume_coroutine);
  lua_setfield(L, -2, "resume");
  lua_pushcfunction(L, wrap_coroutine);
  lua_setfield(L, -2, "wrap");
  lua_pop(L, 1);
}

static void handle(int number, void (*handler)(int), int flags) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
  sigfillset(&action.sa_mask);
  sigaction(number, &action, NULL);
}

static bool is_ignored(int number) {
  struct sigaction action;
  return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

void signals_install(lua_State *L) {
  running = L;
  track_coroutines(L);
  handle(SIGINT, on_signal, 0);
  handle(SIGTERM, on_signal, 0);
  if (!is_ignored(SIGHUP)) // nohup
    handle(SIGHUP, on_signal, 0);
  // A handler and not SIG_IGN: that would be inherited by the programs a script starts.
  handle(SIGPIPE, on_broken_pipe, SA_RESTART);
}

void signals_detach(void) {
  running = NULL;
}

void signals_set_interactive(bool on) {
  interactive = on;
}

int signals_cause(bool failed) {
  return failed || raised ? interrupt_signal : 0;
}

void signals_clear(lua_State *L) {
  interrupt_signal = 0;
  raised = false;
  lua_sethook(L, NULL, 0, 0);
}
