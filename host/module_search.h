// How `require` finds modules that are files.
//
// The library's own (pghost.x) come from the library's folder alone. The packages that the library
// is built on (argparse, cjson, lfs) come from the places in LUA_PATH, LUA_CPATH and the system's
// defaults, never from the script's folder. All others: the script's folder (for chunks, stdin and
// the prompt the project's), then those places. Nothing comes from the current folder as such:
// relative entries are removed from package.path and package.cpath.
#ifndef PGHOST_HOST_MODULE_SEARCH_H
#define PGHOST_HOST_MODULE_SEARCH_H

#include <lua.h>

// Sets package.path, package.cpath and package.searchers of a new state. NULL: there is no script,
// and so no folder of its own.
void module_search_install(lua_State *L, const char *script);

#endif
