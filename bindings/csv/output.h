// A file that is written from beginning to end, packed or not: whole in its place, or not there.
//
// The bytes go into a file beside the final one, which gets its name when all of them are on the
// disk. Not for reading (csv/input.h).
#ifndef PGHOST_CSV_OUTPUT_H
#define PGHOST_CSV_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct Output Output;

// How the bytes are packed: NULL for as they are, "gzip", "zstd", "xz" or "bzip2" (libarchive's
// names of its filters).
const char *output_packing(const char *path); // by the end of a name: .gz, .zst, .xz, .bz2

// Opens a file; NULL: failed. `path` NULL is standard output.
Output *output_open(const char *path, const char *packing, Error *error);

bool output_write(Output *output, const char *bytes, size_t len, Error *error);

// Ends it well: flushed, on the disk, in its place. The output is gone afterwards in any case.
bool output_finish(Output *output, Error *error);

// Leaves nothing of it. NULL is fine.
void output_abort(Output *output);

#endif
