// Another attempt at the script: what is remembered between two states.
#define _POSIX_C_SOURCE 200809L
#include "again.h"

#include <errno.h>
#include <time.h>

#include "base/interrupt.h"

static struct {
  bool possible, wanted;
  double wait; // seconds
  lua_Integer attempt, run;
} again = {.attempt = 1};

void again_allow(bool possible) {
  again.possible = possible;
}

void again_push(lua_State *L) {
  lua_pushinteger(L, again.attempt);
  lua_setfield(L, -2, "attempt");
  if (again.run > 0) {
    lua_pushinteger(L, again.run);
    lua_setfield(L, -2, "retry_of");
  }
  lua_pushboolean(L, again.possible);
  lua_setfield(L, -2, "can_retry");
}

// Calls the function `say` of the table on top: the library's log line. Its failure is no reason to
// stop.
static void call_say(lua_State *L) {
  if (lua_getfield(L, -1, "say") != LUA_TFUNCTION || lua_pcall(L, 0, 0, 0) != LUA_OK)
    lua_pop(L, 1);
}

bool again_note(lua_State *L, int index) {
  int top = lua_gettop(L);
  again.wanted = again.possible && lua_getfield(L, index, "again") == LUA_TTABLE;
  if (again.wanted) {
    lua_getfield(L, -1, "wait");
    again.wait = lua_tonumber(L, -1);
    lua_getfield(L, -2, "run");
    again.run = lua_tointeger(L, -1); // 0: it had not begun
    lua_pop(L, 2);
    call_say(L);
  }
  lua_settop(L, top);
  return again.wanted;
}

bool again_begin(void) {
  if (!again.wanted || interrupt_signal != 0)
    return false;
  again.wanted = false;
  double wait = again.wait > 0 && again.wait < 3600 ? again.wait : 0;
  struct timespec left = {.tv_sec = (time_t)wait};
  left.tv_nsec = (long)((wait - (double)left.tv_sec) * 1e9);
  while (interrupt_signal == 0 && nanosleep(&left, &left) != 0 && errno == EINTR)
    ;
  again.attempt++;
  return interrupt_signal == 0;
}
