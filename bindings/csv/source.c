// The source: reads blocks, hashes them, cuts them into chunks at record ends. source_open.c finds
// its first record.
//
// Bytes read but not handed out wait in `pending`. A chunk is filled from there and then straight
// from the input; what comes after the cut goes back to the front of `pending`. So in a steady
// state a byte is moved once and nothing is allocated.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv/scan.h"
#include "csv/sha256.h"
#include "csv/source_internal.h"
#include "csv/split.h"

enum {
  MAX_TARGET = 16 * 1024 * 1024,
  MIN_LINE_LIMIT = MAX_TARGET,
  LINE_LIMIT_FACTOR = 4, // of max_record
  DIGEST_SIZE = 32,
  GROWTH_DIVISOR = 4, // a chunk without a place to cut grows by a quarter: what is read too much
                      // is held twice
  KEPT_PENDING = 1024 * 1024,
};

void source_close(Source *source) {
  if (!source)
    return;
  if (source->input)
    source->input->close(source->input);
  buffer_free(&source->pending);
  buffer_free(&source->raw);
  transcoder_free(source->transcoder);
  header_free(&source->header);
  free(source->name);
  free(source);
}

bool source_no_memory(const Source *source, Error *error) {
  return error_set_errno(error, ENOMEM, "could not read '%s'", source->name);
}

void source_leave_digest(Source *source) {
  source->undigested = true;
}

// Reading and putting back

// Appends up to `size` bytes of the input to `out`.
static bool read_bytes(Source *source, Buffer *out, size_t size, Error *error) {
  if (!buffer_reserve(out, size))
    return source_no_memory(source, error);
  Input *input = source->input;
  ptrdiff_t got = input->read(input, out->data + out->len, size, error);
  if (got < 0)
    return false;
  uint64_t bytes = source->totals.bytes + (uint64_t)got;
  atomic_store(&source->input_bytes, input->taken ? input->taken(input) : bytes);
  if (got == 0) {
    if (!source->at_end && !source->undigested)
      sha256_finish(&source->digest, source->totals.sha256);
    source->at_end = true;
    return true;
  }
  if (!source->undigested)
    sha256_add(&source->digest, out->data + out->len, (size_t)got);
  source->totals.bytes = bytes;
  out->len += (size_t)got;
  return true;
}

static bool read_transcoded(Source *source, Buffer *out, size_t size, Error *error) {
  buffer_clear(&source->raw);
  if (!read_bytes(source, &source->raw, size, error))
    return false;
  size_t before = out->len;
  if (!transcoder_put(source->transcoder, source->raw.data, source->raw.len, source->at_end, out))
    return source_no_memory(source, error);
  source->transcoded += out->len - before;
  return true;
}

void source_note_packing(Source *source) {
  uint64_t bytes = source_to_consume(source);
  if (bytes > 0)
    atomic_store(&source->packing, (double)atomic_load(&source->input_bytes) / (double)bytes);
}

// The same, converted to UTF-8 if it cannot be tokenised directly. May append more bytes, or none.
static bool read_input(Source *source, Buffer *out, size_t size, Error *error) {
  if (!(source->transcoder ? read_transcoded : read_bytes)(source, out, size, error))
    return false;
  source_note_packing(source);
  return true;
}

size_t source_pending(const Source *source) {
  return source->pending.len - source->start;
}

bool source_read_block(Source *source, Error *error) {
  if (source->start > 0 && source_pending(source) == 0) {
    buffer_clear(&source->pending);
    buffer_trim(&source->pending, KEPT_PENDING);
    source->start = 0;
  }
  return read_input(source, &source->pending, SOURCE_BLOCK, error);
}

bool source_put_back(Source *source, const char *bytes, size_t len) {
  Buffer *pending = &source->pending;
  if (len == 0)
    return true;
  if (source->start < len) {
    size_t count = source_pending(source);
    if (!buffer_reserve(pending, len))
      return false;
    memmove(pending->data + len, pending->data + source->start, count);
    pending->len = len + count;
    source->start = len;
  }
  source->start -= len;
  memcpy(pending->data + source->start, bytes, len);
  return true;
}

// Fills `out` up to `want` bytes, less only at the end of the source.
static bool take(Source *source, Buffer *out, size_t want, Error *error) {
  while (out->len < want) {
    size_t missing = want - out->len;
    size_t count = source_pending(source);
    if (count > 0) {
      size_t some = count < missing ? count : missing;
      buffer_put(out, source->pending.data + source->start, some);
      source->start += some;
      if (out->failed)
        return source_no_memory(source, error);
    } else if (source->at_end) {
      return true;
    } else if (missing >= SOURCE_BLOCK) {
      if (!read_input(source, out, missing, error))
        return false;
    } else if (!source_read_block(source, error)) {
      return false;
    }
  }
  return true;
}

// Chunks

static size_t line_limit(const Source *source) {
  size_t limit = source->dialect.max_record * LINE_LIMIT_FACTOR;
  return limit > MIN_LINE_LIMIT ? limit : MIN_LINE_LIMIT;
}

static bool is_after_table(const Source *source) {
  return source->position.offset >= atomic_load(&source->end_of_table);
}

// Where to cut whole lines: at more than `source->unfinished`, or 0 when more bytes are needed.
static size_t find_cut(const Source *source, const char *bytes, size_t lines) {
  if (is_after_table(source))
    return lines;
  if (lines <= source->unfinished)
    return 0;
  size_t cut = split_last_record(&source->dialect, bytes, lines);
  uint64_t blank;
  if (source->dialect.end_at_second_table) // blank lines stay with the record after them
    cut = dialect_without_blank_end(&source->dialect, bytes, cut, &blank);
  if (cut > source->unfinished)
    return cut;
  return lines > source->dialect.max_record ? lines : 0; // the reader will reject it
}

static bool line_too_long(const Source *source, const Buffer *bytes, size_t lines, Error *error) {
  return error_set(error, "too_long", "%s:%llu: a line of more than %zu MiB: not a CSV file?",
                   source->name,
                   (unsigned long long)source->position.line +
                       scan_count(bytes->data, lines, dialect_line_end(&source->dialect)),
                   line_limit(source) >> 20);
}

// At the end of the source: all that is left, but for the footer, which then comes by itself.
static size_t cut_at_end(const Source *source, const Buffer *bytes, size_t records,
                         ChunkKind *kind) {
  if (records > 0 || is_after_table(source))
    return is_after_table(source) ? bytes->len : records;
  *kind = CHUNK_FOOTER;
  return bytes->len;
}

// Fills the chunk, longer and longer, until there is a place to cut. Returns false with `error`
// filled; *cut is the whole length at the end of the source.
static bool fill(Source *source, size_t want, Chunk *chunk, size_t *cut, Error *error) {
  const Dialect *dialect = &source->dialect;
  Buffer *bytes = &chunk->bytes;
  size_t limit = line_limit(source);
  for (;;) {
    if (!take(source, bytes, want, error))
      return false;
    size_t records = bytes->len - split_footer(dialect, bytes->data, bytes->len, dialect->footer);
    chunk->final = source->at_end && source_pending(source) == 0;
    if (chunk->final) {
      *cut = cut_at_end(source, bytes, records, &chunk->kind);
      return true;
    }
    *cut = find_cut(source, bytes->data, split_last_line(dialect, bytes->data, records));
    if (*cut > 0)
      return true;
    size_t lines = split_last_line(dialect, bytes->data, bytes->len);
    if (bytes->len - lines > limit)
      return line_too_long(source, bytes, lines, error);
    size_t longer = bytes->len + bytes->len / GROWTH_DIVISOR + 1;
    want = longer < lines + limit ? longer : lines + limit + 1;
  }
}

uint64_t source_length_in_file(const Source *source, const char *bytes, size_t len) {
  return source->transcoder ? transcode_length_in_file(source->dialect.text.kind, bytes, len) : len;
}

SourceStatus source_next(Source *source, size_t target, Chunk *chunk, Error *error) {
  buffer_clear(&chunk->bytes);
  size_t want = target < 1 ? 1 : target > MAX_TARGET ? MAX_TARGET : target;
  if (want < source->unfinished * 2)
    want = source->unfinished * 2;
  size_t cut = 0;
  chunk->kind = is_after_table(source) ? CHUNK_SECOND_TABLE : CHUNK_RECORDS;
  chunk->first = source->position.offset == atomic_load(&source->end_of_table);
  if (!fill(source, want, chunk, &cut, error))
    return SOURCE_ERROR;
  if (chunk->bytes.len == 0)
    return SOURCE_END;
  if (!source_put_back(source, chunk->bytes.data + cut, chunk->bytes.len - cut)) {
    source_no_memory(source, error);
    return SOURCE_ERROR;
  }
  while (source_pending(source) == 0 && !source->at_end) {
    if (!source_read_block(source, error))
      return SOURCE_ERROR;
  }
  chunk->bytes.len = cut;
  chunk->position = source->position;
  chunk->origin = source->origin;
  source->origin += source_length_in_file(source, chunk->bytes.data, cut);
  chunk->last = source->at_end && source_pending(source) == 0;
  chunk->final = chunk->final || chunk->last;
  source->position.offset += cut;
  char end = dialect_line_end(&source->dialect);
  source->position.line += scan_count(chunk->bytes.data, cut, end);
  source->open_end = chunk->last && cut > 0 && chunk->bytes.data[cut - 1] != end;
  source->unfinished = 0;
  return SOURCE_CHUNK;
}

size_t chunk_read(Reader *reader, const Chunk *chunk, size_t limit, Position *position,
                  Batch *batch) {
  const char *bytes = chunk->bytes.data;
  size_t len = chunk->bytes.len;
  if (chunk->kind == CHUNK_RECORDS)
    return reader_read(reader, bytes, len, chunk->final, limit, position, batch);
  uint64_t lines = reader_count_lines(reader, bytes, len, chunk->last);
  batch_clear(batch);
  if (chunk->kind == CHUNK_SECOND_TABLE) {
    if (chunk->first &&
        !reader_reject_line(reader, bytes, len, RECORD_SECOND_TABLE, *position, batch))
      return SIZE_MAX;
    batch->repairs[REPAIR_SECOND_TABLE] = lines;
  }
  batch->lines.count[chunk->kind == CHUNK_FOOTER ? LINES_FOOTER : LINES_SECOND_TABLE] = lines;
  position->offset += len;
  position->line += lines;
  return len;
}

bool source_unread(Source *source, const char *bytes, size_t len, size_t unfinished,
                   Position position) {
  if (!source_put_back(source, bytes, len))
    return false;
  source->position = position;
  source->origin -= source_length_in_file(source, bytes, len);
  source->unfinished = unfinished;
  return true;
}

// Drops up to `want` bytes; *last is the last of them. 0 at the end of the source or with an error.
static size_t drop(Source *source, size_t want, char *last, Error *error) {
  if (source_pending(source) == 0 && !source_read_block(source, error))
    return 0;
  size_t some = source_pending(source) < want ? source_pending(source) : want;
  const char *bytes = source->pending.data + source->start;
  if (some > 0)
    *last = bytes[some - 1];
  source->position.offset += some;
  source->position.line += scan_count(bytes, some, dialect_line_end(&source->dialect));
  source->start += some;
  return some;
}

static bool starts_line(Source *source, char last, Error *error) {
  if (last == dialect_line_end(&source->dialect))
    return true;
  if (source_pending(source) == 0 && !source->at_end && !source_read_block(source, error))
    return false;
  const char *next = source->pending.data + source->start;
  return (source_pending(source) > 0 && (*next == '\n' || *next == '\r')) ||
         error_set(error, "position", "%s:%llu: no line ends at byte %llu", source->name,
                   (unsigned long long)source->position.line,
                   (unsigned long long)source->position.offset);
}

bool source_skip_to(Source *source, uint64_t offset, Error *error) {
  EncodingKind kind = source->dialect.text.kind;
  if (kind != ENCODING_UTF8 && kind != ENCODING_FIELDS)
    return error_set(error, "position", "'%s': a file in %s can only be read as a whole",
                     source->name, source->dialect.text.encoding);
  char last = dialect_line_end(&source->dialect);
  uint64_t line = source->position.line;
  error_set(error, "position", "'%s' is shorter than %llu bytes", source->name,
            (unsigned long long)offset);
  while (source->position.offset < offset) {
    uint64_t left = offset - source->position.offset;
    size_t want = left < SOURCE_BLOCK ? (size_t)left : SOURCE_BLOCK;
    if (drop(source, want, &last, error) == 0)
      return false;
  }
  source->opening.count[LINES_EARLIER] += source->position.line - line;
  return source->position.offset == offset && starts_line(source, last, error);
}

void source_end_table(Source *source, uint64_t offset) {
  atomic_store(&source->end_of_table, offset);
}

bool source_stop_error(const Source *source, const Record *stop, Error *error) {
  char reason[128];
  record_error_text(stop, &source->dialect, reason, sizeof reason);
  return error_set(error, "data", "%s:%llu: %s", source->name, (unsigned long long)stop->line,
                   reason);
}

// A policy stopped the batch before a record. False: that is an error, which comes when all records
// before it have been given out.
static bool may_go_on(Source *source, const Batch *batch, Position position, Error *error) {
  if (!batch->stopped)
    return true;
  if (batch->stop.error == RECORD_SECOND_TABLE)
    source_end_table(source, position.offset);
  else if (batch->record_count == 0)
    return source_stop_error(source, &batch->stop, error);
  return true;
}

// Reads the next chunk that holds a record, or `limit` records of it. What the reader left because
// of a wrong cut makes the next chunk longer; what it left because of the limit does not.
SourceStatus source_read_some(Source *source, Reader *reader, size_t target, size_t limit,
                              Chunk *chunk, Batch *batch, Error *error) {
  Lines lines = {0};
  for (;;) {
    batch_clear(batch);
    batch->lines = lines;
    SourceStatus status = source_next(source, target, chunk, error);
    if (status != SOURCE_CHUNK)
      return status;
    Position position = chunk->position;
    size_t len = chunk->bytes.len;
    size_t used = chunk_read(reader, chunk, limit, &position, batch);
    if (used == SIZE_MAX || (used < len && !source_unread(source, chunk->bytes.data + used,
                                                          len - used, len - used, position))) {
      source_no_memory(source, error);
      return SOURCE_ERROR;
    }
    chunk->bytes.len = used;
    lines_add(&lines, &batch->lines);
    batch->lines = lines;
    if (!may_go_on(source, batch, position, error))
      return SOURCE_ERROR;
    if (batch->stopped)
      source->unfinished = 0;
    if (limit > 0 && batch->record_count == limit)
      source->unfinished = 0;
    if (batch->record_count > 0)
      return SOURCE_CHUNK;
  }
}

SourceStatus source_read(Source *source, Reader *reader, size_t target, Chunk *chunk, Batch *batch,
                         Error *error) {
  return source_read_some(source, reader, target, 0, chunk, batch, error);
}

size_t source_column_count(const Source *source) {
  return source->header.column_count;
}

const Field *source_columns(const Source *source) {
  return source->header.columns;
}

const Field *source_written_columns(const Source *source) {
  return source->header.written;
}

const char *source_name(const Source *source) {
  return source->name;
}

const Dialect *source_dialect(const Source *source) {
  return &source->dialect;
}

const char *source_encoding_note(const Source *source) {
  return source->encoding_note;
}

FileSpan source_file_span(const Dialect *dialect, const Chunk *chunk, const Record *record,
                          Buffer *bytes) {
  EncodingKind kind = dialect->text.kind;
  FileSpan span = {record->offset, record->bytes, record->length};
  if (kind != ENCODING_UTF16LE && kind != ENCODING_UTF16BE)
    return span;
  buffer_clear(bytes);
  transcode_to_utf16(kind, record->bytes, record->length, bytes);
  size_t before = (size_t)(record->bytes - chunk->bytes.data);
  span.offset = chunk->origin + transcode_length_in_file(kind, chunk->bytes.data, before);
  span.bytes = bytes->len ? bytes->data : "";
  span.length = bytes->len;
  return span;
}

uint64_t source_consumed(const Source *source) {
  EncodingKind kind = source->dialect.text.kind;
  bool utf16 = kind == ENCODING_UTF16LE || kind == ENCODING_UTF16BE;
  return utf16 ? source->origin : source->position.offset;
}

uint64_t source_to_consume(const Source *source) {
  bool stream = source->dialect.text.kind == ENCODING_STREAM;
  return stream ? source->transcoded : source->totals.bytes;
}

Lines source_opening_lines(const Source *source) {
  return source->opening;
}

uint64_t source_lines(const Source *source) {
  return source->position.line - 1 + source->open_end;
}

bool source_in_memory(const Source *source) {
  return input_is_in_memory(source->input);
}

bool source_header_mended(const Source *source) {
  return source->header_mended;
}

SourceTotals source_totals(const Source *source) {
  SourceTotals totals = source->totals;
  totals.input_bytes = atomic_load(&source->input_bytes);
  return totals;
}

uint64_t source_in_file(const Source *source, uint64_t consumed) {
  return (uint64_t)((double)consumed * atomic_load(&source->packing) + 0.5);
}

double source_field_bytes(const Source *source) {
  const char *bytes = source->pending.data + source->start;
  size_t len = source_pending(source);
  size_t whole = len > 0 ? split_last_line(&source->dialect, bytes, len) : 0;
  size_t lines = scan_count(bytes, whole, dialect_line_end(&source->dialect));
  size_t fields = lines * source->header.column_count;
  return fields > 0 ? ((double)whole - (double)fields) / (double)fields : 0;
}
