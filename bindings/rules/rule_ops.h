// Operations: changes to a cell's text before it is parsed as its type.
//
// Each is data, built once and shared by threads. All of them except default leave a null
// unchanged.
#ifndef PGHOST_RULES_RULE_OPS_H
#define PGHOST_RULES_RULE_OPS_H

#include "base/field.h"
#include "rules/arena.h"
#include "rules/constants.h"
#include "rules/text.h"

typedef struct OperationKind OperationKind;

typedef struct Operation {
  const OperationKind *kind;
  bool ignore_case;    // null_if: ASCII letters only
  uint32_t slot;       // its count
  uint64_t lengths;    // bit n, a value is n bytes long (63: or longer)
  const Field *values; // the constants; borrowed from the program
  uint32_t value_count;
} Operation;

// A kind of operation, described by one row of rule_ops.c.
struct OperationKind {
  const char *name; // "null_if"
  Constants constants;
  // Applies it to a cell that is not null, or for `fills_null` is; new text goes to the arena
  // (whose `failed` the caller looks at). True when the cell changed.
  bool (*apply)(const Operation *operation, Field *cell, Arena *arena);
  // NULL, or whether the operation cannot interpret the cell, and why: it is then a type failure.
  bool (*refuses)(const Operation *operation, const Field *cell);
  void (*reason)(const Operation *operation, Line *line);
  // NULL, or what is wrong with constant *which; NULL: nothing.
  const char *(*problem)(const Operation *operation, uint32_t *which);
  bool fills_null;   // it applies to nulls only
  bool edge;         // it changes nothing where operation_edges_clean
  bool ignores_case; // takes the flag `ignore_case`
};

extern const OperationKind operation_trim, operation_unquote;

// The kinds by index, NULL after the last; the kind of that name, or NULL.
const OperationKind *operation_kind(size_t i);
const OperationKind *operation_find(const char *name);

// White space as trim defines it.
static inline bool operation_is_space(char c) {
  return c == ' ' || (unsigned char)(c - '\t') < 5; // \t \n \v \f \r
}

// Whether no trim and no unquote would change the cell: most cells are clean and need only this
// check.
static inline bool operation_edges_clean(const Field *cell) {
  if (cell->len == 0)
    return true;
  char first = cell->data[0];
  return first != '"' && !operation_is_space(first) &&
         !operation_is_space(cell->data[cell->len - 1]);
}

// Fills `lengths` once kind and values are set.
void operation_prepare(Operation *operation);

// Applies it to the cell, null or not. True when the cell changed.
static inline bool operation_apply(const Operation *operation, Field *cell, Arena *arena) {
  return cell->null == operation->kind->fills_null &&
         operation->kind->apply(operation, cell, arena);
}

// Whether the cell is one that the operation cannot interpret.
static inline bool operation_refuses(const Operation *operation, const Field *cell) {
  return operation->kind->refuses && !cell->null && operation->kind->refuses(operation, cell);
}

#endif
