// The options of a CSV source, from a Lua table into a dialect.
#ifndef PGHOST_LUA_CSV_OPTIONS_H
#define PGHOST_LUA_CSV_OPTIONS_H

#include <lua.h>

#include "csv/dialect.h"

// The dialect that the table of options at `index` asks for; the default one for none or nil.
// Raises for what is not an option, not a value of it, or cannot be combined.
Dialect csv_check_options(lua_State *L, int index);

// The option `member` of the same table: the name of a file in a zip, or NULL. Stays valid as long
// as the table has it.
const char *csv_check_member(lua_State *L, int index);

// csv.options(): pushes the list of the options that the command line has, too.
int csv_push_options(lua_State *L);

#endif
