// The options of a CSV source, from a Lua table into a dialect.
#ifndef PGHOST_LUA_CSV_OPTIONS_H
#define PGHOST_LUA_CSV_OPTIONS_H

#include <lua.h>

#include "csv/dialect.h"
#include "csv/input.h"

// The dialect that the table of options at `index` asks for; the default one for none or nil.
// Raises for unknown options, invalid values and options that cannot be combined.
Dialect csv_check_options(lua_State *L, int index);

// What to open: the path at `path`, with `member` and `version` of the table of options at `index`
// (0: none). Valid as long as both are on the stack. A URL loads the module that reads URLs.
InputName csv_check_name(lua_State *L, int path, int index);

// csv.options(): pushes the list of options that the command line has too.
int csv_push_options(lua_State *L);

#endif
