// What inputs are made of: a file as it is, and what unpacks another input. For input_*.c here and
// in bindings/archive/ only.
#ifndef PGHOST_CSV_INPUT_PARTS_H
#define PGHOST_CSV_INPUT_PARTS_H

#include "csv/input.h"

enum { INPUT_HEAD = 16 }; // bytes that tell what a file is

// A file as it is; "-" is standard input.
Input *input_open_file(const char *path, Error *error);

// Looks at the first bytes of what input_open_file gave without consuming them. Returns their
// number, at most INPUT_HEAD; -1 with `error` filled.
ptrdiff_t input_peek(Input *file, char head[INPUT_HEAD], Error *error);

// Bytes of an ordinary file when it was opened; 0: not known, or none.
size_t input_size(const Input *file);

// Its descriptor when it is an ordinary file, where one can seek; otherwise -1.
int input_seekable(const Input *file);

// Unpacks what `inner` reads, which it takes over (closed on failure too). All else that unpacks is
// in csv/archive_parts.h.
Input *input_open_gzip(Input *inner, const char *name, Error *error);

// Fills `error` with code "archive": "could not read 'name': what". Returns -1.
ptrdiff_t input_damaged(Error *error, const char *name, const char *what);

#endif
