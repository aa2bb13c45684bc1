// The reader: bytes in, a batch of records out, over libcsv in strict mode, or over the general
// tokeniser (general.h) for dialects that libcsv cannot read.
//
// It keeps no state between calls: each call starts at the start of a record and consumes whole
// records, so any chunk can be read on any thread, and again. Working physical line by physical
// line gives start lines, offsets, original bytes and a place to resume after a bad record. Not for
// opening files (source.h) nor for what fields mean (rules/).
#ifndef PGHOST_CSV_READER_H
#define PGHOST_CSV_READER_H

#include "base/error.h"
#include "csv/batch.h"
#include "csv/dialect.h"

typedef struct Reader Reader;

// NULL when out of memory. One reader per thread.
Reader *reader_new(const Dialect *dialect);
void reader_free(Reader *reader); // NULL is fine

// Reads the whole records in bytes[0, len) into `batch` (cleared first) and moves `position` past
// them. Returns the bytes consumed; the rest is the start of a record whose end is not among the
// bytes. The batch's views stay valid while `bytes` does.
//
// With `final` nothing follows: a last record without a line end is complete and everything is
// consumed. The final call is the one with the last record: a Ctrl-Z at its end is an error only
// there. Blank lines are not records: they are skipped, unless one column is expected or the
// dialect keeps them: then each is one NULL. Comments are skipped.
//
// A record that cannot be read (a stray quote, a line end of the other kind outside quotes, a quote
// that is not closed before the end or before max_record bytes) becomes a reject of its first
// physical line alone, wherever it broke: reading resumes at the next line, so that one wrong quote
// does not swallow the good records after it. A physical line longer than max_record is a reject of
// its own.
//
// `limit` stops after that many records (0: no limit); the header is read this way. Out of memory:
// returns SIZE_MAX.
size_t reader_read(Reader *reader, const char *bytes, size_t len, bool final, size_t limit,
                   Position *position, Batch *batch);

// Fills `batch` with one reject, the first physical line of bytes[0, len). False: out of memory.
bool reader_reject_line(Reader *reader, const char *bytes, size_t len, RecordError error,
                        Position position, Batch *batch);

// The physical lines in bytes[0, len); with `last` also one without a line end.
uint64_t reader_count_lines(const Reader *reader, const char *bytes, size_t len, bool last);

#endif
