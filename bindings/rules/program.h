// A rules program: the cleaning rules and row checks of one table, compiled to run over records.
//
// Built once by the Lua-facing file, then immutable and shared by threads; everything that changes
// while running lives in a Scratch, one per thread. Knows nothing of files or connections.
#ifndef PGHOST_RULES_PROGRAM_H
#define PGHOST_RULES_PROGRAM_H

#include "base/error.h"
#include "base/field.h"
#include "rules/type.h"

typedef struct Program Program;
typedef struct Scratch Scratch;

// What became of a record.
typedef enum Verdict {
  VERDICT_PASS,
  VERDICT_REJECT,
  VERDICT_FILTER, // left out on purpose by a filter rule
  VERDICT_STOP,   // a Lua rule failed, and that is to end the load; scratch_reject tells why
} Verdict;

typedef struct Reject {
  int column;       // index of the program's column, -1: the record as a whole
  const char *rule; // short stable name: "type", "required", "range", "compare", ...
  char reason[512]; // "not a timestamp 'ABC'", the value clipped, control characters escaped
} Reject;

void program_free(Program *program); // NULL is fine

size_t program_column_count(const Program *program);
const char *program_column_name(const Program *program, size_t column);
const Type *program_column_type(const Program *program, size_t column);
bool program_column_required(const Program *program,
                             size_t column); // never null in a record that passes

// NULL when there is no memory. Borrows the program.
Scratch *scratch_new(const Program *program);
void scratch_free(Scratch *scratch); // NULL is fine

// Cleans, types and checks one record: fields[map[c]] is the field of the program's column c.
// Row rules from the first one written in Lua on are left to lua_rules_run. After VERDICT_REJECT
// scratch_reject tells why (the first failure, columns in order, then row rules in order). The
// fields must stay where they are until the record is encoded. Out of memory rejects with the rule
// "memory".
Verdict program_run(const Program *program, Scratch *scratch, const Field *fields,
                    const uint32_t *map);

const Reject *scratch_reject(const Scratch *scratch);

// Appends the record that just passed as binary COPY fields (length and bytes, one per column in
// the program's order), without the tuple's field count.
void program_encode(const Program *program, const Scratch *scratch, Buffer *out);

// Whether the program has a column whose type only the server knows, so that its records cannot go
// out in binary.
bool program_needs_text(const Program *program);

// The same as program_encode in COPY's text format, tabs between the columns, without a newline.
void program_encode_text(const Program *program, const Scratch *scratch, Buffer *out);

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

size_t program_count_slots(const Program *program);
// Copies slot `i` of the scratch's counts; the strings but the samples belong to the program.
void scratch_count(const Program *program, const Scratch *scratch, size_t i, RuleCount *out);

#endif
