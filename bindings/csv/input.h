// Inputs: where the bytes of a source come from, decompressed. A file, standard input or an object
// behind a URL, plain or compressed (detected by its first bytes, never by its name); a member of a
// zip; bytes in memory.
#ifndef PGHOST_CSV_INPUT_H
#define PGHOST_CSV_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/input.h"

// What to open: a file, "-" for standard input, or a URL.
typedef struct InputName {
  const char *path;
  const char *member;  // the file to read from a zip; NULL: its only one
  const char *version; // that an object behind a URL must have; NULL: any
} InputName;

// Decompresses gzip, zstd, xz, bzip2 and zip. A directory or a missing file is an error that names
// it. Compressed data that is damaged, cut short or followed by something else is an error of
// `read` (or of this call), code "archive".
Input *input_open(const InputName *name, Error *error);

// Bytes in memory, for specs and the REPL; copied. NULL when out of memory.
Input *input_open_bytes(const char *bytes, size_t len);
bool input_is_in_memory(const Input *input); // made by input_open_bytes

// Called for each file in a zip. False ends the walk, with `error` filled.
typedef bool (*MemberVisitor)(void *data, const char *name, uint64_t size, Error *error);

typedef enum InputKind { INPUT_OTHER, INPUT_ZIP, INPUT_WHOLE } InputKind;

typedef struct InputLook {
  InputKind kind;
  Buffer whole;      // INPUT_WHOLE: all its bytes; the caller frees them
  uint64_t size;     // bytes of the file itself; 0: empty or unknown
  char version[256]; // of an object behind a URL; "": none
} InputLook;

// Inspects a file, opening it once. The files of a zip are visited in the order of its directory;
// their names are labels that somebody wrote into the zip, never paths. INPUT_WHOLE: a file that is
// not compressed and has 1 to `most` bytes.
bool input_look(const char *path, size_t most, MemberVisitor visit, void *data, InputLook *look,
                Error *error);

#endif
