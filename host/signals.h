// SIGINT, SIGTERM, SIGHUP and SIGPIPE: stop what runs, unwind the state, exit.
//
// The first signal sets interrupt_signal (waits in C return "interrupted") and a hook that raises
// "interrupted" in whatever coroutine runs. Handlers of `__close` get two seconds to clean up; from
// then on every instruction raises, so that no pcall can swallow it permanently. A second signal
// kills, unless it is the same one within 0.2 s: timeout(1) sends each one twice.
#ifndef PGHOST_HOST_SIGNALS_H
#define PGHOST_HOST_SIGNALS_H

#include <lua.h>
#include <stdbool.h>

// Installs the handlers, and versions of coroutine.resume and coroutine.wrap that know which
// coroutine a signal has to reach.
void signals_install(lua_State *L);

// From here on signals do not touch the state: it is being closed.
void signals_detach(void);

// In the REPL SIGINT cancels and never kills.
void signals_set_interactive(bool interactive);

// The signal that was raised into the state or made it fail; 0: none. `failed`: the script ended
// with an error.
int signals_cause(bool failed);

// Forgets an interruption that has been dealt with (REPL).
void signals_clear(lua_State *L);

#endif
