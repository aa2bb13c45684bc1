// Inputs: where the bytes of a source come from, unpacked. A file or standard input, plain or
// compressed (detected by its first bytes, never by its name); a member of a zip; bytes in memory.
#ifndef PGHOST_CSV_INPUT_H
#define PGHOST_CSV_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
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

typedef enum InputLook { INPUT_OTHER, INPUT_ZIP, INPUT_WHOLE } InputLook;

// Looks at a file with one opening. A zip: its files are visited, in the order of its directory;
// names are what somebody wrote into the zip: labels, never paths. A file that is not compressed
// and has 1 to `most` bytes: they are put into `whole`, all of them. *what says which it was.
bool input_look(const char *path, size_t most, MemberVisitor visit, void *data, Buffer *whole,
                InputLook *what, Error *error);

#endif
