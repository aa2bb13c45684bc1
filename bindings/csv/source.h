// A source: one CSV file (or a stream that looks like one), opened, its header read, cut into
// chunks that begin and end at record ends.
//
// The chunks are what workers read side by side. The cut is made by counting quotes, which is
// exact for well-formed CSV; Chunk says enough for the caller to notice where it was wrong.
#ifndef PGHOST_CSV_SOURCE_H
#define PGHOST_CSV_SOURCE_H

#include "csv/reader.h"

// Where bytes come from. `read` returns the bytes put into `out`, 0 at the end, -1 with `error`
// filled. It runs on the reading thread. `close` frees the input.
typedef struct Input Input;
struct Input {
  ptrdiff_t (*read)(Input *input, char *out, size_t size, Error *error);
  void (*close)(Input *input);
};

// A file; "-" is standard input. A directory or a missing file is an error that names it.
Input *input_open_file(const char *path, Error *error);

// Bytes in memory, for specs and the REPL; copied. NULL when there is no memory.
Input *input_open_bytes(const char *bytes, size_t len);

typedef struct Chunk {
  Buffer bytes;      // whole records as far as counting quotes can tell
  Position position; // of bytes.data[0]
  bool last;         // nothing follows in this source
} Chunk;

typedef struct SourceTotals {
  uint64_t bytes;  // read so far, after decompression, header and BOM included
  char sha256[65]; // of those bytes, hex; only filled by source_totals at the end of the source
} SourceTotals;

typedef enum SourceStatus { SOURCE_CHUNK, SOURCE_END, SOURCE_ERROR } SourceStatus;

typedef struct Source Source;

// Takes over `input` (closed on failure too). `name` is used in messages ("booking.csv"). Skips a
// UTF-8 BOM, finds the line end (unless the dialect came with LINE_CR set), reads the header
// record. Errors: an empty source, a header that cannot be read, NUL bytes in it ("looks like a
// binary file"), duplicate or empty column names unless the dialect takes any_header (codes
// "empty", "header", "binary"). The source's own dialect gets the line end found and, unless it was
// given, the header's field count as columns.
Source *source_open(Input *input, const char *name, const Dialect *dialect, Error *error);
void source_close(Source *source); // NULL is fine

// The header's names as written (after the BOM), surrounding blanks removed. Owned by the source.
size_t source_column_count(const Source *source);
const Field *source_columns(const Source *source);
const Dialect *source_dialect(const Source *source);

// Fills `chunk` with the next bytes, about `target` of them (more where one record is longer; from
// 1 to 16 MiB). A physical line of more than four times max_record (and at least 16 MiB) is
// an error: this is no CSV, and memory stays bounded. After a wrong cut the caller hands back what
// a reader left unconsumed with source_unread: those bytes come first in the next chunk.
SourceStatus source_next(Source *source, size_t target, Chunk *chunk, Error *error);

// Puts bytes back in front: the tail of the chunk last got, starting at a record, and what was cut
// behind it. In the first `unfinished` of them no record ends. False: no memory.
bool source_unread(Source *source, const char *bytes, size_t len, size_t unfinished,
                   Position position);

// Goes on behind the first `offset` bytes of the source, where a record must start: what is before
// was loaded earlier. Error "position" when the source is shorter or no line ends there.
bool source_skip_to(Source *source, uint64_t offset, Error *error);

// Where the next chunk starts: behind the byte order mark and the header at first.
Position source_position(const Source *source);

// Reads the next records, at least one, for callers with one thread: source_next, reader_read, and
// what a wrong cut leaves is put back. `chunk` then holds the bytes that were consumed, which the
// batch's views point into. SOURCE_END: nothing is left, the batch is empty.
SourceStatus source_read(Source *source, Reader *reader, size_t target, Chunk *chunk, Batch *batch,
                         Error *error);

SourceTotals source_totals(const Source *source);

#endif
