// Values between Lua and rules: a column's value for Lua, a Lua value as the text of a field.
#ifndef PGHOST_LUA_RULES_CONVERT_H
#define PGHOST_LUA_RULES_CONVERT_H

#include <lua.h>

#include "rules/program.h"

// Pushes the record's value of a column as a Lua rule gets it: nil for null, an integer for
// smallint, integer and bigint, a float for real and double, a boolean, or the cleaned text. Raises
// when there is no memory.
void rules_push_value(lua_State *L, const Program *program, const Scratch *scratch, size_t column);

enum { RULES_NUMBER_SIZE = 40 };

// The text of the Lua value at `index`: nil is null, numbers and booleans as PostgreSQL reads them
// (a float without a fraction as an integer), strings unchanged. Points into the string, or into
// `number`. False for other types and strings over 1 GiB. Never raises.
bool rules_to_field(lua_State *L, int index, char number[RULES_NUMBER_SIZE], Field *out);

#endif
