// Inputs: where the bytes of a source come from, unpacked. A file or standard input, plain or
// compressed (told by its first bytes, never by its name); a member of a zip; bytes in memory.
#ifndef PGHOST_CSV_INPUT_H
#define PGHOST_CSV_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

// `read` returns the bytes put into `out`, 0 at the end, -1 with `error` filled. It runs on the
// reading thread. `close` frees the input. `taken` tells how many bytes of the file itself came
// out of `read` so far, at its end all of them; NULL: as many as it returned.
typedef struct Input Input;
struct Input {
  ptrdiff_t (*read)(Input *input, char *out, size_t size, Error *error);
  void (*close)(Input *input);
  uint64_t (*taken)(const Input *input);
};

// A file, unpacked if it is gzip, zstd, xz, bzip2 or zip; "-" is standard input. A directory or a
// missing file is an error that names it. Of a zip the `member` of that name is read; NULL: its
// only file. Packed data that is damaged, cut short or followed by something else is an error of
// `read` (or of this call), code "archive".
Input *input_open(const char *path, const char *member, Error *error);

// Bytes in memory, for specs and the REPL; copied. NULL when there is no memory.
Input *input_open_bytes(const char *bytes, size_t len);

// Called for each file in a zip. False ends the walk, with `error` filled.
typedef bool (*MemberVisitor)(void *data, const char *name, uint64_t size, Error *error);

// The files in a zip, in the order of its directory. *is_zip is false for any other file, which is
// no failure. Names are what somebody wrote into the zip: labels, never paths.
bool input_visit_members(const char *path, MemberVisitor visit, void *data, bool *is_zip,
                         Error *error);

// For the files of input_*.c

enum { INPUT_HEAD = 16 }; // bytes that tell what a file is

// A file as it is; "-" is standard input.
Input *input_open_file(const char *path, Error *error);

// Looks at the first bytes of what input_open_file gave without consuming them. Returns their
// number, at most INPUT_HEAD; -1 with `error` filled.
ptrdiff_t input_peek(Input *file, char head[INPUT_HEAD], Error *error);

// Its descriptor when it is an ordinary file, where one can seek; otherwise -1.
int input_seekable(const Input *file);

// Unpack what `inner` reads, which they take over (closed on failure too).
Input *input_open_gzip(Input *inner, const char *name, Error *error);
Input *input_open_packed(Input *inner, int filter, const char *name, Error *error);
Input *input_open_member(Input *inner, const char *member, const char *name, Error *error);

// The walk of input_visit_members through what `inner` reads, which is closed.
bool input_visit_zip(Input *inner, const char *name, MemberVisitor visit, void *data, Error *error);

// Fills `error` with code "archive": "could not read 'name': what". Returns -1.
ptrdiff_t input_damaged(Error *error, const char *name, const char *what);

#endif
