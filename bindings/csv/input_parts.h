// What inputs are made of: a file as it is, and what unpacks another input. For the files of
// input_*.c only.
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

// Unpack what `inner` reads, which they take over (closed on failure too).
Input *input_open_gzip(Input *inner, const char *name, Error *error);
Input *input_open_packed(Input *inner, int filter, const char *name, Error *error);
Input *input_open_member(Input *inner, const char *member, const char *name, Error *error);

// The walk of input_look through what `inner` reads, which is closed.
bool input_visit_zip(Input *inner, const char *name, MemberVisitor visit, void *data, Error *error);

// Fills `error` with code "archive": "could not read 'name': what". Returns -1.
ptrdiff_t input_damaged(Error *error, const char *name, const char *what);

// The same with libarchive's reason, or `otherwise`; code "ENOMEM" where it had no memory. Returns
// -1.
struct archive;
ptrdiff_t input_archive_failed(Error *error, const char *name, struct archive *archive,
                               const char *otherwise);

#endif
