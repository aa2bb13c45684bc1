// A file written from beginning to end, compressed or not: either complete in its place or absent.
//
// The bytes go to a temporary file beside it, which is renamed once all of them are on disk. Not
// for reading (csv/input.h).
#ifndef PGHOST_CSV_OUTPUT_H
#define PGHOST_CSV_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct Output Output;

// How the bytes are compressed: NULL for not at all, "gzip", "zstd", "xz" or "bzip2" (libarchive's
// filter names).
const char *output_packing(const char *path); // by extension: .gz, .zst, .xz, .bz2

// Opens a file; returns NULL on failure. A NULL `path` is standard output.
Output *output_open(const char *path, const char *packing, Error *error);

bool output_write(Output *output, const char *bytes, size_t len, Error *error);

// Completes the file: flushed, on disk, in its place. Frees the output even on failure.
bool output_finish(Output *output, Error *error);

// Discards the file. NULL is fine.
void output_abort(Output *output);

#endif
