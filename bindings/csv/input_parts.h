// What inputs are made of: plain files, and inputs that decompress another input. For input_*.c
// here and in bindings/archive/ only.
#ifndef PGHOST_CSV_INPUT_PARTS_H
#define PGHOST_CSV_INPUT_PARTS_H

#include "csv/input.h"

// A file without decompression; "-" is standard input.
RawInput *input_open_file(const char *path, Error *error);

// Decompresses what `inner` reads; takes over `inner` (closed on failure too). All other
// decompression is in csv/archive_parts.h.
Input *input_open_gzip(RawInput *inner, Error *error);

// Fills `error` with code "archive": "could not read 'name': what". Returns -1.
ptrdiff_t input_damaged(Error *error, const char *name, const char *what);

#endif
