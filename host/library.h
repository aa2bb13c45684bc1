// Where the Lua library is: beside the binary in a build tree, in share/pghost when installed.
#ifndef PGHOST_HOST_LIBRARY_H
#define PGHOST_HOST_LIBRARY_H

#include <limits.h>
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

// The folder that holds scripts/pghost, or NULL when there is none. Static storage.
const char *library_root(void);

// The path of a file of this build: beside the binary in a build tree, below lib when installed.
// False: it is in neither place.
bool library_built(const char *name, char path[PATH_MAX]);

// The path of a subcommand's file as a new string on the stack, and below scripts/ as a second one;
// false (and nothing) without one.
bool library_push_command(lua_State *L, const char *name);

// Whether there is a subcommand of that name.
bool library_has_command(const char *name);

enum { LIBRARY_MOST_COMMANDS = 64 };

typedef struct LibraryCommand {
  char name[32];
} LibraryCommand;

// Names of all subcommands, sorted; returns how many.
size_t library_commands(LibraryCommand commands[LIBRARY_MOST_COMMANDS]);

#endif
