// Completion of a Lua name: "stri" -> string, "string.for" -> string.format, "conn:qu" -> query.
#ifndef PGHOST_HOST_COMPLETION_H
#define PGHOST_HOST_COMPLETION_H

#include <lua.h>
#include <stddef.h>

// Finds the names that continue the name at the end of the first `length` bytes of `line`. Calls
// no function of the script's and opens nothing. Returns a new string of the names, each ended by
// a newline, sorted, without the part that is there already left out ("format\n"); NULL: none.
// *typed: how many bytes of the last name are there. The caller frees it.
char *complete_names(lua_State *L, const char *line, size_t length, size_t *typed);

#endif
