// Where the Lua library is: beside the binary in a build tree, in share/pghost when installed.
#ifndef PGHOST_HOST_LIBRARY_H
#define PGHOST_HOST_LIBRARY_H

#include <lua.h>
#include <stdbool.h>

// The folder that holds scripts/pghost, or NULL when there is none. Static storage.
const char *library_root(void);

// The path of the native module: beside the binary in a build tree, below lib when installed. NULL:
// it is in neither place. Static storage.
const char *library_native(void);

// Puts the script's folder ("." when script is NULL) and then the library first on package.path.
void library_set_path(lua_State *L, const char *script);

// The path of a subcommand's file, as a new string on the stack; false (and nothing) without one.
bool library_push_command(lua_State *L, const char *name);

// Pushes the names of all subcommands: "init, load, server".
void library_push_commands(lua_State *L);

#endif
