// Retries of the script: what is remembered from one Lua state to the next.
#define _POSIX_C_SOURCE 200809L
#include "retry.h"

#include <errno.h>
#include <time.h>

#include "base/interrupt.h"

static struct {
  bool possible, wanted;
  double wait; // seconds
  lua_Integer attempt, run;
} retry = {.attempt = 1};

void retry_allow(bool possible) {
  retry.possible = possible;
}

void retry_push(lua_State *L) {
  lua_pushinteger(L, retry.attempt);
  lua_setfield(L, -2, "attempt");
  if (retry.run > 0) {
    lua_pushinteger(L, retry.run);
    lua_setfield(L, -2, "retry_of");
  }
  lua_pushboolean(L, retry.possible);
  lua_setfield(L, -2, "can_retry");
}

// Calls the function `say` of the table on top: the library's log line. Its failure is no reason to
// stop.
static void call_say(lua_State *L) {
  if (lua_getfield(L, -1, "say") != LUA_TFUNCTION || lua_pcall(L, 0, 0, 0) != LUA_OK)
    lua_pop(L, 1);
}

bool retry_note(lua_State *L, int index) {
  int top = lua_gettop(L);
  retry.wanted = retry.possible && lua_getfield(L, index, "retry") == LUA_TTABLE;
  if (retry.wanted) {
    lua_getfield(L, -1, "wait");
    retry.wait = lua_tonumber(L, -1);
    lua_getfield(L, -2, "run");
    retry.run = lua_tointeger(L, -1); // 0: it had not begun
    lua_pop(L, 2);
    call_say(L);
  }
  lua_settop(L, top);
  return retry.wanted;
}

bool retry_begin(void) {
  if (!retry.wanted || interrupt_signal != 0)
    return false;
  retry.wanted = false;
  double wait = retry.wait > 0 && retry.wait < 3600 ? retry.wait : 0;
  struct timespec left = {.tv_sec = (time_t)wait};
  left.tv_nsec = (long)((wait - (double)left.tv_sec) * 1e9);
  while (interrupt_signal == 0 && nanosleep(&left, &left) != 0 && errno == EINTR)
    ;
  retry.attempt++;
  return interrupt_signal == 0;
}
