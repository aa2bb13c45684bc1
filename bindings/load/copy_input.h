// A table as a source: the text of a COPY ... TO STDOUT (FORMAT csv, HEADER) as an input to read.
#ifndef PGHOST_LOAD_COPY_INPUT_H
#define PGHOST_LOAD_COPY_INPUT_H

#include "csv/source.h"
#include "pg/conn.h"

// Starts the COPY on `conn`, which is busy until the input is closed; closing drains it. NULL: the
// server refused, error filled.
Input *copy_input_open(PGconn *conn, const char *copy, Error *error);

#endif
