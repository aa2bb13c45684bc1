// Rules written in Lua, run on the main thread over a record that passed the program's own rules.
#ifndef PGHOST_LUA_RULES_FUNCTIONS_H
#define PGHOST_LUA_RULES_FUNCTIONS_H

#include <lua.h>

#include "rules/program.h"

// True when the program at stack index `index` has rules written in Lua.
bool lua_rules_present(lua_State *L, int index);

// Runs them for the record in `scratch` (after program_run said VERDICT_PASS). May replace values
// in the scratch. A Lua error rejects the record, with the rule's file and line as the reason
// (scratch_reject), or, where the rules say so, is VERDICT_STOP. Never raises; leaves the stack as
// it was.
Verdict lua_rules_run(lua_State *L, int index, Scratch *scratch);

// Pushes the record's value of a column as a Lua rule gets it: nil for null, an integer for
// smallint, integer and bigint, a float for real and double, a boolean, or the cleaned text. Raises
// when there is no memory.
void lua_rules_push_value(lua_State *L, const Program *program, const Scratch *scratch,
                          size_t column);

enum { LUA_RULES_NUMBER_SIZE = 40 };

// The text of the Lua value at `index`: nil is null, numbers and booleans as PostgreSQL reads them
// (a float without a fraction as an integer), strings as they are. Points into the string, or into
// `number`. False for other types and strings over 1 GiB. Never raises.
bool lua_rules_to_field(lua_State *L, int index, char number[LUA_RULES_NUMBER_SIZE], Field *out);

#endif
