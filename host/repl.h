// The REPL: reads chunks from the terminal (or stdin), runs them, prints what they return.
#ifndef PGHOST_HOST_REPL_H
#define PGHOST_HOST_REPL_H

#include <lua.h>
#include <stdbool.h>

// Runs until the end of input (Ctrl-D) or SIGTERM/SIGHUP; returns the exit code. `quiet`: no
// greeting.
int repl_run(lua_State *L, bool quiet);

#endif
