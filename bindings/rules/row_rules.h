// Row rules: those over a whole record, and what rules written in Lua need to run over one.
//
// For program.c and lua/rules_functions.c. The C side runs comparisons; a rule written in Lua is
// only a place in the order, a list of columns and a number by which rules_functions.c finds its
// function.
#ifndef PGHOST_RULES_ROW_RULES_H
#define PGHOST_RULES_ROW_RULES_H

#include "rules/program_types.h"

size_t program_row_count(const Program *program);
const RowRule *program_row(const Program *program, size_t row);

// The first row rule written in Lua: lua_rules_run takes over from there. program_row_count if
// there is none.
size_t program_first_lua_row(const Program *program);

// Runs a rule that is not written in Lua over the record in the scratch.
Verdict program_run_row(const Program *program, Scratch *scratch, size_t row);

#endif
