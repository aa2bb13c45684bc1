// A scratch: everything that changes while a program runs, and the current record. One per thread.
#ifndef PGHOST_RULES_SCRATCH_H
#define PGHOST_RULES_SCRATCH_H

#include "rules/program_types.h"
#include "rules/text.h"

// NULL when there is no memory. Borrows the program.
Scratch *scratch_new(const Program *program);
void scratch_free(Scratch *scratch); // NULL is fine

const Reject *scratch_reject(const Scratch *scratch);

// The record's typed value, and its cleaned text.
const Value *scratch_value(const Scratch *scratch, size_t column);
const Field *scratch_text(const Scratch *scratch, size_t column);

// Begins the reason of a reject; the caller appends to the line. column -1: the record as a whole.
Line scratch_reject_line(Scratch *scratch, int column, const char *rule);

// The record has finally passed: counts what cleaning changed in it.
void scratch_commit(Scratch *scratch);

// Copies slot `i` of the scratch's counts; the strings but the samples belong to the program.
void scratch_count(const Program *program, const Scratch *scratch, size_t i, RuleCount *out);

#endif
