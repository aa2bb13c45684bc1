// A rules program: the cleaning rules and row checks of one table, compiled to run over records.
//
// Built once by the Lua-facing file, then immutable and shared by threads; everything that changes
// while running lives in a Scratch, one per thread. Knows nothing of files or connections.
#ifndef PGHOST_RULES_PROGRAM_H
#define PGHOST_RULES_PROGRAM_H

#include "rules/scratch.h"

void program_free(Program *program); // NULL is fine

size_t program_column_count(const Program *program);
const char *program_column_name(const Program *program, size_t column);
const Type *program_column_type(const Program *program, size_t column);
bool program_column_required(const Program *program,
                             size_t column); // never null in a record that passes

// Cleans, types and checks one record: fields[map[c]] is the field of the program's column c.
// Row rules from the first one written in Lua on are left to lua_rules_run. After VERDICT_REJECT
// scratch_reject tells why (the first failure, columns in order, then row rules in order). The
// fields must stay where they are until the record is encoded. Out of memory rejects with the rule
// "memory".
Verdict program_run(const Program *program, Scratch *scratch, const Field *fields,
                    const uint32_t *map);

// Appends the record that just passed as binary COPY fields (length and bytes, one per column in
// the program's order), without the tuple's field count.
void program_encode(const Program *program, const Scratch *scratch, Buffer *out);

// Whether the program has a column whose type only the server knows, so that its records cannot go
// out in binary.
bool program_needs_text(const Program *program);

// The same as program_encode in COPY's text format, tabs between the columns, without a newline.
void program_encode_text(const Program *program, const Scratch *scratch, Buffer *out);

// SQL that converts a text `v` to a value of the column; NULL: a text that the type cannot read is
// refused. Otherwise such a value passes as `odd`, and the caller asks the server.
const char *program_column_ask(const Program *program, size_t column);

// How many values of the record that just passed are odd. program_encode does not accept them;
// program_encode_text writes their text.
size_t scratch_odd_count(const Scratch *scratch);

// The buffer with the bytes of the current record's values.
const Buffer *scratch_typed(const Scratch *scratch);

size_t program_count_slots(const Program *program);

// Stores a copy of `text` as the target's value, through the column's type, checks and on_fail.
Verdict scratch_set(const Program *program, Scratch *scratch, const RowRule *rule,
                    const Field *text);

#endif
