// Rows of a file into a COPY: as binary COPY has them, without its header and trailer.
#ifndef PGHOST_PG_COPY_ROWS_H
#define PGHOST_PG_COPY_ROWS_H

#include <stdio.h>

#include "pg/copy.h"

typedef struct RowChoice {
  unsigned fields;     // of each row the first so many; 0: all
  const int64_t *rows; // their numbers in the file, from 1, ascending; NULL: every row
  size_t count;
} RowChoice;

// Runs the COPY; *stored is what the server counted. Reads the file from where it stands to its
// end.
bool copy_rows(PGconn *conn, const char *copy, FILE *file, const RowChoice *choice,
               uint64_t *stored, Error *error);

#endif
