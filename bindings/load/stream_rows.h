// Rows of the three COPY streams.
#ifndef PGHOST_LOAD_STREAM_ROWS_H
#define PGHOST_LOAD_STREAM_ROWS_H

#include "load/types.h"

// Where a record came from, as the load metadata columns have it.
typedef struct Origin {
  int64_t file_id;
  int64_t line;
  const char *bytes; // original bytes, without the line end
  uint32_t length;
  bool has_offset; // records read from a table have none
  int64_t offset;
} Origin;

// Raw row: the fields as text, then _file_id, _line.
void row_put_raw(Buffer *out, const Field *fields, const uint32_t *map, size_t columns,
                 const Origin *origin);

// Clean row of the record that just passed, followed by _file_id, _line if `position`.
void row_put_clean(Buffer *out, const Program *program, const Scratch *scratch, bool position,
                   const Origin *origin);

// The same in COPY's text format, a newline at the end.
void row_put_clean_text(Buffer *out, const Program *program, const Scratch *scratch, bool position,
                        const Origin *origin);

// A clean row with _file_id and _line, encoded already, and after it byte_offset bigint,
// byte_length bigint, original bytea: of the record, NULL where it came from a table.
void row_put_repeat(Buffer *out, const char *row, size_t len, const Origin *origin);

// Rejects row. `column` may be NULL.
void row_put_reject(Buffer *out, int64_t run_id, const char *table, const Origin *origin,
                    const char *column, const char *rule, const char *reason);

#endif
