// Running the whole script once more, in a new state, after a transient error.
//
// The library decides: an error object with a table `retry` that leaves the script asks for it
// (scripts/pghost/run/retry.lua): `wait` (seconds), `run` (the run that failed, if it had begun)
// and `say`, a function that logs why. This file holds only what crosses from one state to the
// next.
#ifndef PGHOST_HOST_RETRY_H
#define PGHOST_HOST_RETRY_H

#include <lua.h>
#include <stdbool.h>

// Sets whether the script can be read a second time (a regular file, no prompt after it).
void retry_allow(bool possible);

// Puts `attempt` (from 1), `retry_of` (the run that failed, or nil) and `can_retry` into the table
// on top of the stack.
void retry_push(lua_State *L);

// Whether the error object at `index` asks for another attempt; remembers what it says.
bool retry_note(lua_State *L, int index);

// After the state is closed: false when nothing asked for another attempt or a signal arrived.
// Otherwise waits as long as was asked for and begins the next attempt.
bool retry_begin(void);

#endif
