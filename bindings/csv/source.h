// A source: one CSV file (or a stream that looks like one), opened, its header read, cut into
// chunks that begin and end at record ends.
//
// The chunks are what workers read side by side. The cut is made by counting quotes, which is
// exact for well-formed CSV; Chunk says enough for the caller to notice where it was wrong.
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
  uint64_t origin;   // its offset in the file itself, where that is not position.offset: UTF-16
  bool last;         // nothing follows in this source
  ChunkKind kind;
  bool final; // no records follow
  bool first; // of its kind: a second table starts here
} Chunk;

typedef struct SourceTotals {
  uint64_t bytes;       // read so far, after decompression, header and BOM included
  uint64_t input_bytes; // of the file itself, so before decompression
  char sha256[65]; // of those bytes, hex; only filled by source_totals at the end of the source,
                   // unless it was left out
} SourceTotals;

typedef enum SourceStatus { SOURCE_CHUNK, SOURCE_END, SOURCE_ERROR } SourceStatus;

typedef struct Source Source;

// Takes over `input` (closed on failure too). `name` is used in messages ("booking.csv"). Decides
// the encoding (a byte order mark has the last word), skips the mark, finds the line end (unless
// the dialect came with LINE_CR set), reads the header record. Errors: an empty source, a header
// that cannot be read, NUL bytes in it ("looks like a binary file"), duplicate or empty column
// names unless the dialect takes any_header or repairs them (codes "empty", "header", "binary").
// The source's own dialect gets the line end found and, unless it was given, the header's field
// count as columns. Readers made with it borrow the header.
Source *source_open(Input *input, const char *name, const Dialect *dialect, Error *error);
void source_close(Source *source); // NULL is fine

// The header's names, surrounding blanks removed, of several lines joined; where the dialect keeps
// extra fields, one more, _extra. `written` are those before a repair. Owned by the source.
size_t source_column_count(const Source *source);
const Field *source_columns(const Source *source);
const Field *source_written_columns(const Source *source);
const char *source_name(const Source *source);
const Dialect *source_dialect(const Source *source);

// What the encoding of source_dialect is known from: "", or "its byte order mark", "a guess from
// the first 256 KiB" and the like.
const char *source_encoding_note(const Source *source);

// Where a record of `chunk` is in the file itself, and its bytes there: for UTF-16 converted back
// into `bytes`, for others the record's own. Records of a chunk are asked for in any order.
typedef struct FileSpan {
  uint64_t offset;
  const char *bytes;
  size_t length;
} FileSpan;
FileSpan source_file_span(const Dialect *dialect, const Chunk *chunk, const Record *record,
                          Buffer *bytes);

// Fills `chunk` with the next bytes, about `target` of them (more where one record is longer; from
// 1 to 16 MiB). A physical line of more than four times max_record (and at least 16 MiB) is
// an error: this is no CSV, and memory stays bounded. After a wrong cut the caller hands back what
// a reader left unconsumed with source_unread: those bytes come first in the next chunk.
SourceStatus source_next(Source *source, size_t target, Chunk *chunk, Error *error);

// Puts bytes back in front: the tail of the chunk last got, starting at a record, and what was cut
// after it. In the first `unfinished` of them no record ends. False: no memory.
bool source_unread(Source *source, const char *bytes, size_t len, size_t unfinished,
                   Position position);

// Goes on after the first `offset` bytes of the source, where a record must start: what is before
// was loaded earlier. Error "position" when the source is shorter or no line ends there.
bool source_skip_to(Source *source, uint64_t offset, Error *error);

// From `offset` on, where a batch was stopped by RECORD_SECOND_TABLE, the source gives no more
// records. For any thread; what the source has given out after is to be put back.
void source_end_table(Source *source, uint64_t offset);

// Fills `error` with what a policy stopped at: "file.csv:12: too few fields: 3 of 8" (code "data").
// False always. Not for RECORD_SECOND_TABLE, which is not an error.
bool source_stop_error(const Source *source, const Record *stop, Error *error);

// Reads a chunk's records as reader_read does; from one that has none nothing is read, but for the
// reject that a second table begins with.
size_t chunk_read(Reader *reader, const Chunk *chunk, size_t limit, Position *position,
                  Batch *batch);

// Reads the next records, at least one, for callers with one thread: source_next, reader_read, and
// what a wrong cut leaves is put back. `chunk` then holds the bytes that were consumed, which the
// batch's views point into. SOURCE_END: nothing is left, the batch is empty.
SourceStatus source_read(Source *source, Reader *reader, size_t target, Chunk *chunk, Batch *batch,
                         Error *error);

SourceTotals source_totals(const Source *source);

// Nobody is going to ask for the SHA-256, which is a tenth of what reading and typing take.
void source_leave_digest(Source *source);

// The conservation law of a source: what was handed out so far, and what there is to hand out, at
// the end of the input. In bytes of the file, unpacked; of the converted text where that has no way
// back to them.
uint64_t source_consumed(const Source *source);
uint64_t source_to_consume(const Source *source);

// The same of its lines: those that are no chunk's (header, preamble, comments and blank lines
// before the first record, and what source_skip_to passed), and all that were handed out.
Lines source_opening_lines(const Source *source);
uint64_t source_lines(const Source *source);

// Whether a quote in the header was taken as data.
bool source_header_mended(const Source *source);

// Bytes of a field on average, by the whole lines that were read with the header; 0: there are
// none.
double source_field_bytes(const Source *source);

// How many bytes of the file itself `consumed` bytes are: an estimate where it is packed, or in an
// encoding that is converted first, and exact at its end. From any thread.
uint64_t source_in_file(const Source *source, uint64_t consumed);

#endif
