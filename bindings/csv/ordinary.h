// The fast path for ordinary records: one-byte delimiter, fields plain or properly quoted, in
// COPY's text format without escapes but that of NULL; LF or CRLF. It scans 64 bytes at a time and
// makes the same records as libcsv, or none: anything unusual is left to the reader, which uses
// libcsv.
#ifndef PGHOST_CSV_ORDINARY_H
#define PGHOST_CSV_ORDINARY_H

#include "csv/batch.h"
#include "csv/dialect.h"

// Whether it supports the dialect.
bool ordinary_knows(const Dialect *dialect);

// Reads ordinary records from the start of bytes[0, len) into `batch`, moving `position`, until the
// first that is not ordinary or does not end within them, or until the batch has `limit` records
// (0: no limit). Returns the bytes consumed. On processors without the instructions it reads
// nothing. Out of memory: sets *failed.
size_t ordinary_read(const Dialect *dialect, const char *bytes, size_t len, size_t limit,
                     Position *position, Batch *batch, bool *failed);

#endif
