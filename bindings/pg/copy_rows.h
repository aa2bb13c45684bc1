// Sends rows of a file, in binary COPY format without header and trailer, into a COPY.
#ifndef PGHOST_PG_COPY_ROWS_H
#define PGHOST_PG_COPY_ROWS_H

#include <stdio.h>

#include "pg/copy.h"

typedef struct RowChoice {
  unsigned fields;     // only the first so many of each row; 0: all
  const int64_t *rows; // their numbers in the file, from 1, ascending; NULL: every row
  size_t count;
} RowChoice;

// Runs the COPY; *stored is the server's count. Reads the file from its current position to the
// end.
bool copy_rows(PGconn *conn, const char *copy, FILE *file, const RowChoice *choice,
               uint64_t *stored, Error *error);

#endif
