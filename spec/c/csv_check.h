// What every way to read CSV must keep to: for the driver of the specs and for the fuzz targets.
//
// A check that does not hold ends the process with exit code 1 and a message on stderr.
#ifndef PGHOST_SPEC_CSV_CHECK_H
#define PGHOST_SPEC_CSV_CHECK_H

#include "csv/source.h"

// A whole file.
typedef struct Text {
  const char *bytes;
  size_t len;
} Text;

extern char check_what[512]; // the case at hand, for messages

_Noreturn void check_fail(const char *message);

void put_text(Buffer *out, const char *text);
void put_json(Buffer *out, const char *bytes, size_t len); // a JSON string, bytes as U+0000..U+00FF

// The record lies behind `covered`, has the bytes of the file at its offset, and between it and
// `covered` there are line ends only. Moves `covered` behind it and `line` to its first.
void check_record(const Text *text, const Record *record, size_t *covered, uint64_t *line);

// Behind `covered` there are line ends only.
void check_tail(const Text *text, size_t covered);

// The physical line that the byte at `offset` is on, from 1.
uint64_t line_at(const Text *text, size_t offset, LineEnd line_end);

// Reads a text through a source whose input gives `step` bytes at a time; the records go to `out`
// as lines of JSON, the source's dialect to `found`. Returns where the text behind the header
// starts, or SIZE_MAX, and the message in `out`, when it does not open.
size_t read_through_source(Text text, const Dialect *dialect, size_t target, size_t step,
                           Buffer *out, Dialect *found);

// The same records by one call of the reader from `start` on, by libcsv alone: what every other way
// must equal.
void read_at_once(Text text, const Dialect *found, size_t start, Buffer *out);

// The same by two calls, the first one seeing only the bytes before `cut`.
void read_in_two(Text text, Reader *reader, Batch *batch, Position position, size_t cut,
                 Buffer *out);

void expect_equal(const Buffer *expected, const Buffer *got, const char *message);

#endif
