// The quick way for ordinary records: comma-like delimiter, fields plain or properly quoted, LF or
// CRLF. It looks at 64 bytes at a time and makes the same records as libcsv, or none: whatever is
// unusual in any way it leaves to the reader, which asks libcsv.
#ifndef PGHOST_CSV_ORDINARY_H
#define PGHOST_CSV_ORDINARY_H

#include "csv/batch.h"
#include "csv/dialect.h"

// Whether it knows the dialect at all.
bool ordinary_knows(const Dialect *dialect);

// Reads ordinary records from the start of bytes[0, len) into `batch`, moving `position`, until the
// first that is not ordinary or does not end in sight, or until the batch has `limit` records (0:
// no limit). Returns the bytes consumed. On processors without the instructions it reads nothing.
// Out of memory: sets *failed.
size_t ordinary_read(const Dialect *dialect, const char *bytes, size_t len, size_t limit,
                     Position *position, Batch *batch, bool *failed);

#endif
