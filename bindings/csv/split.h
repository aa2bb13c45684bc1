// Where to cut CSV text: the last record end that quotes allow, without reading fields.
//
// A guess that is right for well-formed text and for most other text; the reader decides (source.h
// explains how a wrong cut is corrected).
#ifndef PGHOST_CSV_SPLIT_H
#define PGHOST_CSV_SPLIT_H

#include "csv/dialect.h"

// Bytes up to and including the last physical line end of bytes[0, len); 0 when there is none.
size_t split_last_line(const Dialect *dialect, const char *bytes, size_t len);

// The same for records. bytes[0, len) starts at the start of a record and ends after a physical
// line end. 0 when the first record does not end within them.
size_t split_last_record(const Dialect *dialect, const char *bytes, size_t len);

// Bytes of the last `count` physical lines of bytes[0, len); a last one without line end counts.
size_t split_footer(const Dialect *dialect, const char *bytes, size_t len, size_t count);

// The kind of the first line end outside quotes: true with *found set, or false when the end of the
// bytes came first. A CR at the very end counts only when nothing `follows`.
bool split_find_line_end(const Dialect *dialect, const char *bytes, size_t len, bool follows,
                         LineEnd *found);

#endif
