// The insides of a program and a scratch; for program.c, program_build.c, row_rules.c and
// scratch.c.
#ifndef PGHOST_RULES_PROGRAM_PARTS_H
#define PGHOST_RULES_PROGRAM_PARTS_H

#include "rules/arena.h"
#include "rules/program_types.h"
#include "rules/rule_checks.h"
#include "rules/rule_ops.h"

typedef struct Column {
  const char *name;
  Type type;
  bool required;
  const char *ask; // SQL for values that the type does not know; NULL: they are refused
  FailureAction action;
  uint32_t operation_start; // into Program.operations
  uint32_t operation_count;
  uint32_t edge_count;  // the operations up to the first that is neither trim nor unquote
  uint32_t check_start; // into Program.checks
  uint32_t check_count;
  uint32_t type_slot; // counts of failures that do not reject
  uint32_t required_slot;
  Value fallback; // FAILURE_DEFAULT
  Field fallback_text;
} Column;

typedef struct Slot {
  const char *column;
  const char *rule; // as counts show it
  const char *name; // without number and suffix
} Slot;

// Everything pointed at from here is in `memory`, except the compiled patterns.
struct Program {
  Arena memory;
  Column *columns;
  size_t column_count;
  size_t column_cap;
  Operation *operations;
  size_t operation_count;
  size_t operation_cap;
  Check *checks;
  size_t check_count;
  size_t check_cap;
  RowRule *rows;
  size_t row_count;
  size_t row_cap;
  size_t first_lua_row;
  size_t set_count;
  Slot *slots;
  size_t slot_count;
  size_t slot_cap;
  bool has_patterns;
};

// A change to the current record, not yet counted.
typedef struct Change {
  uint32_t slot;
  Field before;
  Field after;
} Change;

typedef struct Count {
  uint64_t count;
  CellSample samples[CELL_SAMPLES]; // of different texts
  size_t sample_count;
} Count;

struct Scratch {
  const Program *program;
  Value *values; // per column
  Field *texts;  // per column: the cleaned text
  Arena arena;   // text that operations made, for one record
  Buffer typed;  // bytes that types made, for one record
  Matcher matcher;
  Count *counts; // per slot
  Change *changes;
  size_t change_count;
  size_t change_cap;
  Reject reject;
  size_t odd_count; // odd values in the record at hand
};

// Notes a change to the current record.
static inline void add_change(Scratch *scratch, uint32_t slot, const Field *before,
                              const Field *after) {
  if (scratch->change_count < scratch->change_cap)
    scratch->changes[scratch->change_count++] =
        (Change){.slot = slot, .before = *before, .after = *after};
}

#endif
