// The counts of a load, as tables for Lua. See docs/meta/load.lua for their fields.
#ifndef PGHOST_LUA_LOAD_COUNTS_H
#define PGHOST_LUA_LOAD_COUNTS_H

#include <lua.h>

#include "load/engine.h"

// Pushes a table.
void load_push_counts(lua_State *L, const Counts *counts);

// The same, plus the file's size and hash.
void load_push_file_counts(lua_State *L, const Counts *counts, const Source *source);

// Adds the server's counts to the table on top.
void load_set_rows(lua_State *L, const uint64_t rows[STREAM_KINDS]);

// Pushes a table: what one cleaning rule changed in one column.
void load_push_rule_count(lua_State *L, const RuleCount *count);

#endif
