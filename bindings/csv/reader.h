// The reader: bytes in, a batch of records out, over libcsv in strict mode.
//
// It keeps no state between calls: each call starts at the start of a record and consumes whole
// records, so any chunk can be read on any thread, and again. libcsv is fed physical line by
// physical line; that gives start lines, offsets, original bytes and a place to go on after a bad
// record. Not for opening files (source.h) nor for what fields mean (rules/).
#ifndef PGHOST_CSV_READER_H
#define PGHOST_CSV_READER_H

#include "base/error.h"
#include "csv/batch.h"
#include "csv/encoding.h"

typedef enum LineEnd {
  LINE_LF, // LF or CRLF, mixed as they come
  LINE_CR, // CR alone (old Mac files)
} LineEnd;

typedef struct Dialect {
  char delimiter; // one byte, default ','
  char quote;     // one byte, default '"'; doubled inside a quoted field
  LineEnd line_end;
  uint32_t columns;  // fields every record must have; 0: any number
  size_t max_record; // bytes; a longer record is rejected. Default 16 MiB, at most 512 MiB
  bool headerless;   // the first record is data; columns are then named column1, column2, ...
  bool any_header;   // empty and repeated names in the header are the caller's business
  TextOptions text;  // how its text is encoded; default UTF-8
  bool libcsv_only;  // no quick way for ordinary records: for comparison
} Dialect;

// Comma, double quote, LF, any number of columns, 16 MiB.
Dialect dialect_default(void);

// Where a chunk stands in its source.
typedef struct Position {
  uint64_t offset; // bytes from the start of the source
  uint64_t line;   // physical line, from 1
} Position;

typedef struct Reader Reader;

// NULL when there is no memory. One reader per thread.
Reader *reader_new(const Dialect *dialect);
void reader_free(Reader *reader); // NULL is fine

// Reads the whole records in bytes[0, len) into `batch` (cleared first) and moves `position` past
// them. Returns the bytes consumed; what is left is the start of a record whose end is not in
// sight. The batch's views stay valid while `bytes` does.
//
// With `final` nothing follows: a last record without line end is complete and everything is
// consumed. Blank lines are no records: they are passed over, unless one column is expected, where
// they are a NULL.
//
// A record that cannot be read (a stray quote, a line end of the other kind outside quotes, a quote
// that is not closed before the end or before max_record bytes) is a reject of its first physical
// line alone, wherever it broke: reading goes on at the next line, so that one wrong quote swallows
// no good record behind it. A physical line longer than max_record is a reject by itself.
//
// `limit` stops after that many records (0: no limit): the header is read so.
// Out of memory: returns SIZE_MAX.
size_t reader_read(Reader *reader, const char *bytes, size_t len, bool final, size_t limit,
                   Position *position, Batch *batch);

#endif
