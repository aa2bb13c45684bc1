// A source: one CSV file (or a stream that looks like one), opened, its header read, cut into
// chunks that begin and end at record ends.
//
// Workers read the chunks in parallel. Cuts are found by counting quotes, which is exact for
// well-formed CSV; Chunk holds enough for the caller to notice a wrong cut.
#ifndef PGHOST_CSV_SOURCE_H
#define PGHOST_CSV_SOURCE_H

#include "csv/input.h"
#include "csv/reader.h"

typedef enum ChunkKind {
  CHUNK_RECORDS,
  CHUNK_FOOTER,       // bytes that are not records
  CHUNK_SECOND_TABLE, // the same, from the first line of a second table on
} ChunkKind;

typedef struct Chunk {
  Buffer bytes;      // whole records as far as counting quotes can tell
  Position position; // of bytes.data[0]
  uint64_t origin;   // its offset in the file itself, if not position.offset: UTF-16
  bool last;         // nothing follows in this source
  ChunkKind kind;
  bool final; // no records follow
  bool first; // of its kind: a second table starts here
} Chunk;

typedef struct SourceTotals {
  uint64_t bytes;       // read so far, after decompression, header and BOM included
  uint64_t input_bytes; // of the file itself, before decompression
  char sha256[65]; // of those bytes, hex; only filled by source_totals at the end of the source,
                   // unless source_leave_digest was called
} SourceTotals;

typedef enum SourceStatus { SOURCE_CHUNK, SOURCE_END, SOURCE_ERROR } SourceStatus;

typedef struct Source Source;

// Takes over `input` (closed on failure too). `name` is used in messages ("booking.csv"). Decides
// the encoding (a byte order mark overrides all else), skips the mark, finds the line end (unless
// the dialect came with LINE_CR set), reads the header record. Errors: an empty source, a header
// that cannot be read, NUL bytes in it ("looks like a binary file"), duplicate or empty column
// names unless the dialect takes any_header or repairs them (codes "empty", "header", "binary").
// The source's own dialect gets the line end found and, unless it was given, the header's field
// count as columns. Readers made with that dialect borrow the header.
Source *source_open(Input *input, const char *name, const Dialect *dialect, Error *error);
void source_close(Source *source); // NULL is fine

// The header's names, surrounding blanks removed, several lines joined; plus _extra if the dialect
// keeps extra fields. `written` are the names before any repair. Owned by the source.
size_t source_column_count(const Source *source);
const Field *source_columns(const Source *source);
const Field *source_written_columns(const Source *source);
const char *source_name(const Source *source);
bool source_in_memory(const Source *source); // no call waits for its bytes
const Dialect *source_dialect(const Source *source);

// How the encoding of source_dialect was determined: "", or "its byte order mark", "a guess from
// the first 256 KiB" and the like.
const char *source_encoding_note(const Source *source);

// Where a record of `chunk` is in the file itself, and its bytes there: for UTF-16 converted back
// into `bytes`, otherwise the record's own. Records of a chunk may be asked for in any order.
typedef struct FileSpan {
  uint64_t offset;
  const char *bytes;
  size_t length;
} FileSpan;
FileSpan source_file_span(const Dialect *dialect, const Chunk *chunk, const Record *record,
                          Buffer *bytes);

// Fills `chunk` with the next bytes, about `target` of them (more where one record is longer; from
// 1 to 16 MiB). A physical line of more than four times max_record (and at least 16 MiB) is an
// error: this is not CSV, and memory stays bounded. After a wrong cut the caller hands back what a
// reader left unconsumed with source_unread: those bytes come first in the next chunk.
SourceStatus source_next(Source *source, size_t target, Chunk *chunk, Error *error);

// Puts bytes back in front: the tail of the latest chunk, starting at a record, and everything cut
// after it. No record ends in the first `unfinished` of them. False: out of memory.
bool source_unread(Source *source, const char *bytes, size_t len, size_t unfinished,
                   Position position);

// Resumes after the first `offset` bytes of the source, where a record must start: what comes
// before was loaded earlier. Error "position" when the source is shorter or no line ends there.
bool source_skip_to(Source *source, uint64_t offset, Error *error);

// From `offset` on, where a batch was stopped by RECORD_SECOND_TABLE, the source gives no more
// records. Callable from any thread; chunks already handed out beyond it must be put back.
void source_end_table(Source *source, uint64_t offset);

// Fills `error` with what a policy stopped at: "file.csv:12: too few fields: 3 of 8" (code "data").
// Always returns false. Not for RECORD_SECOND_TABLE, which is not an error.
bool source_stop_error(const Source *source, const Record *stop, Error *error);

// Reads a chunk's records as reader_read does. From a chunk without records it reads nothing,
// except the reject that starts a second table.
size_t chunk_read(Reader *reader, const Chunk *chunk, size_t limit, Position *position,
                  Batch *batch);

// Reads the next records, at least one, for single-threaded callers: source_next, reader_read, and
// putting back what a wrong cut leaves. `chunk` then holds the bytes that were consumed, which the
// batch's views point into. SOURCE_END: nothing is left, the batch is empty.
SourceStatus source_read(Source *source, Reader *reader, size_t target, Chunk *chunk, Batch *batch,
                         Error *error);

SourceTotals source_totals(const Source *source);

// Skips the SHA-256, which nobody will ask for: it costs a tenth of the time of reading and typing.
void source_leave_digest(Source *source);

// The conservation law of a source: what was handed out so far and, at the end of the input, what
// there was to hand out. In decompressed bytes of the file, or of the converted text if the
// conversion cannot be reversed.
uint64_t source_consumed(const Source *source);
uint64_t source_to_consume(const Source *source);

// The same for its lines: those outside all chunks (header, preamble, comments and blank lines
// before the first record, and what source_skip_to skipped), and all that were handed out.
Lines source_opening_lines(const Source *source);
uint64_t source_lines(const Source *source);

// Whether a quote in the header was taken as data.
bool source_header_mended(const Source *source);

// The average length of a field in bytes, over the whole lines read with the header; 0: none.
double source_field_bytes(const Source *source);

// How many bytes of the file itself `consumed` bytes are: an estimate if the file is compressed or
// its encoding is converted first, and exact at its end. Callable from any thread.
uint64_t source_in_file(const Source *source, uint64_t consumed);

#endif
