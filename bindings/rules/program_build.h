// Building a program, piece by piece in the order of the rule table.
//
// For the Lua-facing file. Every function returns false and fills the Error (code "usage" for a
// rule that makes no sense, "memory") and then the program is only good for program_free. Bytes
// passed in are copied. program_finish must have succeeded before the program is run.
#ifndef PGHOST_RULES_PROGRAM_BUILD_H
#define PGHOST_RULES_PROGRAM_BUILD_H

#include "rules/program_types.h"
#include "rules/rule_checks.h"
#include "rules/rule_ops.h"

Program *program_new(void); // NULL: no memory

// Adds a column. `format` may be NULL.
bool program_add_column(Program *program, const Field *name, const Type *type, const char *format,
                        Error *error);

// Adds a format to the last column, which has one already. A value that two formats read as
// different moments is refused ("ambiguous").
bool program_add_format(Program *program, const char *format, Error *error);

// Makes the column added last, whose type is text or one by name, an enum with these labels in
// their order; or a domain called `name` over the column's type. Before the column's checks.
bool program_set_labels(Program *program, const Field *labels, size_t count, Error *error);
bool program_set_domain(Program *program, const char *name, Error *error);

// SQL over a text `v` with which the server reads what the column's type cannot.
bool program_set_ask(Program *program, const char *expression, Error *error);

// Operations and checks belong to the column added last. `values` are the kind's constants, in
// their order; null: not given.
bool program_add_operation(Program *program, const OperationKind *kind, const Field *values,
                           size_t count, bool ignore_case, Error *error);
bool program_add_check(Program *program, const CheckKind *kind, const Field *values, size_t count,
                       Error *error);
bool program_set_failure(Program *program, FailureAction action, const Field *value, Error *error);

// Row rules; columns by index.
bool program_add_compare(Program *program, size_t left, CompareOp op, size_t right, Error *error);
bool program_add_filter(Program *program, size_t column, CompareOp op, const Field *value,
                        Error *error);
// `kind` is one of ROW_LUA_*, `target` counts for ROW_LUA_SET. `columns` NULL: the whole record.
bool program_add_lua(Program *program, RowKind kind, const uint32_t *columns, size_t count,
                     size_t target, uint32_t function, Error *error);

// Checks what needs the complete program, and lays out the counts.
bool program_finish(Program *program, Error *error);

#endif
