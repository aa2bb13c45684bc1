// A cursor: reads a source record by record, for exploring. Loads read batches (source.h).
#ifndef PGHOST_CSV_CURSOR_H
#define PGHOST_CSV_CURSOR_H

#include "csv/source.h"

typedef struct Cursor Cursor;

// NULL when out of memory. Borrows the source.
Cursor *cursor_new(Source *source);
void cursor_free(Cursor *cursor); // NULL is fine

// Moves to the next record, good or bad. *record and *fields (its fields; NULL if none) stay valid
// until the next call. Returns SOURCE_CHUNK if there is one.
SourceStatus cursor_next(Cursor *cursor, const Record **record, const Field **fields, Error *error);

// Moves forward to the record that starts on a line, or to the first record after it; stays put if
// already there. Do not mix with cursor_next.
SourceStatus cursor_find(Cursor *cursor, uint64_t line, const Record **record, Error *error);

// Where the cursor's latest record is in the file itself. Valid until the next call.
FileSpan cursor_span(Cursor *cursor, const Record *record);

#endif
