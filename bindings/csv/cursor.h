// A cursor: a source read record by record, for those who explore. Loads read batches (source.h).
#ifndef PGHOST_CSV_CURSOR_H
#define PGHOST_CSV_CURSOR_H

#include "csv/source.h"

typedef struct Cursor Cursor;

// NULL when there is no memory. Borrows the source.
Cursor *cursor_new(Source *source);
void cursor_free(Cursor *cursor); // NULL is fine

// Moves to the next record, good or bad. *record and *fields (its fields, NULL for none) stay valid
// until the next call. SOURCE_CHUNK: there is one.
SourceStatus cursor_next(Cursor *cursor, const Record **record, const Field **fields, Error *error);

// Moves on to the record that starts on a line, or to the first after it; stays where it stands
// if that is it. Not to be mixed with cursor_next.
SourceStatus cursor_find(Cursor *cursor, uint64_t line, const Record **record, Error *error);

// Where a record that the cursor gave last is in the file itself. Valid until the next call.
FileSpan cursor_span(Cursor *cursor, const Record *record);

#endif
