// What inputs are made of: a file as it is, and what unpacks another input. For input_*.c here and
// in bindings/archive/ only.
#ifndef PGHOST_CSV_INPUT_PARTS_H
#define PGHOST_CSV_INPUT_PARTS_H

#include "csv/input.h"

// A file as it is; "-" is standard input.
RawInput *input_open_file(const char *path, Error *error);

// Unpacks what `inner` reads, which it takes over (closed on failure too). All else that unpacks is
// in csv/archive_parts.h.
Input *input_open_gzip(RawInput *inner, Error *error);

// Fills `error` with code "archive": "could not read 'name': what". Returns -1.
ptrdiff_t input_damaged(Error *error, const char *name, const char *what);

#endif
