// Row rules: what looks at a whole record, and what rules written in Lua need to run over one.
//
// For program.c and lua_rules.c. The C side runs comparisons; a rule written in Lua is only a place
// in the order, a list of columns and a number by which lua_rules.c finds its function.
#ifndef PGHOST_RULES_ROW_RULES_H
#define PGHOST_RULES_ROW_RULES_H

#include "rules/program.h"
#include "rules/text.h"

typedef enum RowKind {
  ROW_COMPARE,    // left op right must hold; passes when either is null
  ROW_FILTER,     // left op value leaves the record out; a null does not
  ROW_LUA_CHECK,  // false rejects
  ROW_LUA_SET,    // the result is stored in `target`, by its type and checks
  ROW_LUA_FILTER, // true leaves the record out
} RowKind;

typedef enum CompareOp {
  COMPARE_LESS,
  COMPARE_LESS_EQUAL,
  COMPARE_EQUAL,
  COMPARE_NOT_EQUAL,
  COMPARE_GREATER_EQUAL,
  COMPARE_GREATER,
  COMPARE_IS_NULL,     // ROW_FILTER alone
  COMPARE_IS_NOT_NULL, // ROW_FILTER alone
} CompareOp;

typedef struct RowRule {
  RowKind kind;
  CompareOp op;
  uint32_t left;
  uint32_t right;
  Value value; // ROW_FILTER
  const uint32_t *columns;
  uint32_t column_count;
  bool whole_record; // instead of columns
  uint32_t target;
  uint32_t function; // from 1: place in the list of functions
  uint32_t slot;     // ROW_LUA_SET: its count
} RowRule;

size_t program_row_count(const Program *program);
const RowRule *program_row(const Program *program, size_t row);

// The first row rule written in Lua: from there on lua_rules_run goes. program_row_count when there
// is none.
size_t program_first_lua_row(const Program *program);

// Runs a rule that is not written in Lua over the record in the scratch.
Verdict program_run_row(const Program *program, Scratch *scratch, size_t row);

// The record's typed value, and its cleaned text.
const Value *scratch_value(const Scratch *scratch, size_t column);
const Field *scratch_text(const Scratch *scratch, size_t column);

// Stores a copy of `text` as the target's value, through the column's type, checks and on_fail.
Verdict scratch_set(const Program *program, Scratch *scratch, const RowRule *rule,
                    const Field *text);

// Begins the reason of a reject; the caller appends to the line. column -1: the record as a whole.
Line scratch_reject_line(Scratch *scratch, int column, const char *rule);

// The record passed for good: what cleaning changed in it is counted now.
void scratch_commit(Scratch *scratch);

#endif
