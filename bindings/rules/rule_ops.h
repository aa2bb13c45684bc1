// Operations: what is done to a cell's text before its type is looked at.
//
// Each is data, built once and shared by threads. A null passes all of them but default untouched.
#ifndef PGHOST_RULES_RULE_OPS_H
#define PGHOST_RULES_RULE_OPS_H

#include "csv/batch.h"
#include "rules/arena.h"

typedef enum OperationKind {
  OPERATION_TRIM,    // ASCII white space (blank \t \n \v \f \r) off both ends
  OPERATION_UNQUOTE, // one pair of double quotes around the value off
  OPERATION_NULL_IF, // null where the text is one of the values
  OPERATION_LOWER,
  OPERATION_UPPER,
  OPERATION_REPLACE, // every occurrence of values[0], left to right, by values[1]
  OPERATION_DECIMAL, // a number with values[0] before its decimals and values[1] between thousands
  OPERATION_DEFAULT, // values[0] for null
} OperationKind;

typedef struct Operation {
  OperationKind kind;
  bool ignore_case;    // null_if: ASCII letters only
  uint32_t slot;       // its count
  uint64_t lengths;    // null_if: bit n, a value is n bytes long (63: or longer)
  const Field *values; // borrowed from the program
  uint32_t value_count;
} Operation;

// White space as trim has it.
static inline bool operation_is_space(char c) {
  return c == ' ' || (unsigned char)(c - '\t') < 5; // \t \n \v \f \r
}

// Whether no trim and no unquote would change the cell: most cells are clean, and this is all that
// need be looked at.
static inline bool operation_edges_clean(const Field *cell) {
  if (cell->len == 0)
    return true;
  char first = cell->data[0];
  return first != '"' && !operation_is_space(first) &&
         !operation_is_space(cell->data[cell->len - 1]);
}

// The name people know it by: "null_if".
const char *operation_name(OperationKind kind);

// Fills `lengths` once kind and values are set.
void operation_prepare(Operation *operation);

// Applies it to the cell; new text goes to the arena (whose `failed` the caller looks at). True
// when the cell changed.
// A text that `decimal` does not take as a number is left alone; operation_refuses says so before.
bool operation_apply(const Operation *operation, Field *cell, Arena *arena);

// Whether the cell is none that the operation could make sense of.
bool operation_refuses(const Operation *operation, const Field *cell);

#endif
