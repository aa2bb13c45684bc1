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

#endif
