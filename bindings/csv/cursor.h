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

#endif
