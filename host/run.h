// Running chunks, scripts and subcommands under a protected call, and reporting how they failed.
//
// Each function returns the exit code of the process so far: 0, or the failure's own.
#ifndef PGHOST_HOST_RUN_H
#define PGHOST_HOST_RUN_H

#include <lua.h>
#include <stdbool.h>

// A chunk of -e. `prints`: also prints the values of an expression.
int run_chunk(lua_State *L, const char *text, bool prints);

// A script file (NULL: stdin), with the words of the table `arg` from 1 on as its arguments.
int run_script(lua_State *L, const char *path);

// Whether the word names a data or SQL file, by its extension; and advice on what to do with one
// instead of running it.
bool run_is_data(const char *name);
int run_data(const char *name);

// A subcommand of the library; unknown ones are a usage error. An integer that its file returns
// is the exit code. It gets the words of the table `arg` from 1 on, or none.
int run_command(lua_State *L, const char *name, bool with_arguments);

// Calls the function below `arguments` values, keeping `results` (or LUA_MULTRET) of them. On
// failure reports on stderr, leaves nothing on the stack and returns the exit code.
int run_call(lua_State *L, int arguments, int results);

// Empties stdout's buffer. Exit code 1 and a message when output could not be written; `succeeded`:
// nothing else went wrong, and the message says so.
int run_flush(bool succeeded);

#endif
