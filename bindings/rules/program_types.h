// The parts of rules programs, as seen by the code that builds and runs them.
#ifndef PGHOST_RULES_PROGRAM_TYPES_H
#define PGHOST_RULES_PROGRAM_TYPES_H

#include "base/error.h"
#include "base/field.h"
#include "rules/type.h"

typedef struct Program Program;
typedef struct Scratch Scratch;

// The outcome of a record.
typedef enum Verdict {
  VERDICT_PASS,
  VERDICT_REJECT,
  VERDICT_FILTER, // left out on purpose by a filter rule
  VERDICT_STOP,   // a Lua rule failed and that ends the load; scratch_reject tells why
} Verdict;

typedef struct Reject {
  int column;       // index of the program's column, -1: the record as a whole
  const char *rule; // short stable name: "type", "required", "range", "compare", ...
  char reason[512]; // "not a timestamp 'ABC'", the value clipped, control characters escaped
} Reject;

// What happens to a value that breaks its type or a check. A required column never becomes null:
// there FAILURE_NULL is refused, and FAILURE_WARN rejects where null would have to be stored.
typedef enum FailureAction {
  FAILURE_REJECT,
  FAILURE_NULL,    // null is stored
  FAILURE_DEFAULT, // the given value is stored, also where a required value is missing
  FAILURE_WARN,    // of a type: null is stored; of a check: the value is kept
} FailureAction;

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

enum { CELL_SAMPLES = 3 };

// A cell before and after an operation: its text, cut and escaped for one line; "" for null.
typedef struct CellSample {
  char before[80];
  char after[80];
  bool before_null;
  bool after_null;
} CellSample;

// What cleaning changed, per column and operation, and failures that did not reject; only of
// records that passed. Merged over threads by the caller: slot `i` is the same in every scratch.
typedef struct RuleCount {
  const char *column;
  const char
      *rule; // "trim", "trim 2" (the second of the column), "set", "type (null)", "range (warn)"
  uint64_t count; // cells changed, or warnings
  CellSample samples[CELL_SAMPLES];
  size_t sample_count;
} RuleCount;

#endif
