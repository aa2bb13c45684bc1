// What inputs are made of: a file as it is, and what unpacks another input. For the files of
// input_*.c only.
#ifndef PGHOST_CSV_INPUT_PARTS_H
#define PGHOST_CSV_INPUT_PARTS_H

#include "csv/input.h"

// A file as it is; "-" is standard input.
RawInput *input_open_file(const char *path, Error *error);

// Unpack what `inner` reads, which they take over (closed on failure too).
Input *input_open_gzip(RawInput *inner, Error *error);
Input *input_open_packed(RawInput *inner, int filter, Error *error);
Input *input_open_member(RawInput *inner, const char *member, Error *error);

// The walk of input_look through what `inner` reads, which is closed.
bool input_visit_zip(RawInput *inner, MemberVisitor visit, void *data, Error *error);

// Fills `error` with code "archive": "could not read 'name': what". Returns -1.
ptrdiff_t input_damaged(Error *error, const char *name, const char *what);

#endif
