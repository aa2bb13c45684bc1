// A table as a source: the texts of one or several COPY ... TO STDOUT as an input to read, record
// by record as they come.
#ifndef PGHOST_LOAD_COPY_INPUT_H
#define PGHOST_LOAD_COPY_INPUT_H

#include "csv/source.h"
#include "pg/conn.h"

enum { MAX_COPY_READERS = 64 };

// Starts a COPY on each of the connections, which are busy until the input is closed; closing
// drains them. NULL: the server refused one, error filled; all are drained.
Input *copy_input_open(PGconn *const *conns, const char *const *copies, size_t count, Error *error);

#endif
