// The source: reads blocks, hashes them, cuts them into chunks at record ends.
//
// Bytes read but not handed out wait in `pending`. A chunk is filled from there and then straight
// from the input; what stands behind the cut goes back to the front of `pending`. So in a steady
// state a byte is moved once and nothing is allocated.
#include "csv/source.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "csv/header.h"
#include "csv/scan.h"
#include "csv/split.h"
#include "csv/transcode.h"

#ifndef SOURCE_BLOCK // the fuzz targets have small blocks for their small texts
#define SOURCE_BLOCK (64 * 1024)
#endif

enum {
  BLOCK = SOURCE_BLOCK,
  MAX_TARGET = 16 * 1024 * 1024,
  MIN_LINE_LIMIT = MAX_TARGET,
  LINE_LIMIT_FACTOR = 4, // of max_record
  DIGEST_SIZE = 32,
  MOST_MARK = 4, // bytes of a byte order mark
  MOST_SPECIAL = 16,
  SAMPLE = 256 * 1024, // that a guess at the encoding looks at
};

struct Source {
  Input *input;
  char *name;
  Dialect dialect;
  Buffer pending;
  size_t start;           // of what is left in pending
  Position position;      // of the next byte to hand out
  size_t unfinished;      // bytes put back in which no record ends: the next chunk must be longer
  bool at_end;            // of the input
  Transcoder *transcoder; // NULL: bytes are tokenised as they are read
  Buffer raw;             // read, to be transcoded
  uint64_t transcoded;    // bytes that came of it
  uint64_t origin;        // Chunk.origin of the next chunk
  char encoding_note[ENCODING_NOTE];
  atomic_uint_fast64_t input_bytes;
  _Atomic double packing; // bytes of the file itself for one that is to be consumed
  Header header;
  _Atomic uint64_t end_of_table; // offset from which on there are no records
  EVP_MD_CTX *digest;
  SourceTotals totals;
};

void source_close(Source *source) {
  if (!source)
    return;
  if (source->input)
    source->input->close(source->input);
  EVP_MD_CTX_free(source->digest);
  buffer_free(&source->pending);
  buffer_free(&source->raw);
  transcoder_free(source->transcoder);
  header_free(&source->header);
  free(source->name);
  free(source);
}

static bool no_memory(const Source *source, Error *error) {
  return error_set_errno(error, ENOMEM, "could not read '%s'", source->name);
}

// Reading and putting back

static void finish_digest(Source *source) {
  unsigned char digest[DIGEST_SIZE];
  if (EVP_DigestFinal_ex(source->digest, digest, NULL) != 1)
    return;
  for (size_t i = 0; i < DIGEST_SIZE; i++)
    snprintf(source->totals.sha256 + 2 * i, 3, "%02x", digest[i]);
}

// Appends up to `size` bytes of the input to `out`.
static bool read_bytes(Source *source, Buffer *out, size_t size, Error *error) {
  if (!buffer_reserve(out, size))
    return no_memory(source, error);
  Input *input = source->input;
  ptrdiff_t got = input->read(input, out->data + out->len, size, error);
  if (got < 0)
    return false;
  uint64_t bytes = source->totals.bytes + (uint64_t)got;
  atomic_store(&source->input_bytes, input->taken ? input->taken(input) : bytes);
  if (got == 0) {
    source->at_end = true;
    finish_digest(source);
    return true;
  }
  if (EVP_DigestUpdate(source->digest, out->data + out->len, (size_t)got) != 1)
    return error_set(error, "digest", "could not compute the SHA-256 of '%s'", source->name);
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
    return no_memory(source, error);
  source->transcoded += out->len - before;
  return true;
}

static void note_packing(Source *source) {
  uint64_t bytes = source_to_consume(source);
  if (bytes > 0)
    atomic_store(&source->packing, (double)source_input_bytes(source) / (double)bytes);
}

// The same as UTF-8, or as what is tokenised as it is. May append some more bytes, or none.
static bool read_input(Source *source, Buffer *out, size_t size, Error *error) {
  if (!(source->transcoder ? read_transcoded : read_bytes)(source, out, size, error))
    return false;
  note_packing(source);
  return true;
}

static size_t pending_count(const Source *source) {
  return source->pending.len - source->start;
}

static bool read_block(Source *source, Error *error) {
  if (source->start > 0 && pending_count(source) == 0) {
    buffer_clear(&source->pending);
    source->start = 0;
  }
  return read_input(source, &source->pending, BLOCK, error);
}

static bool put_back(Source *source, const char *bytes, size_t len) {
  Buffer *pending = &source->pending;
  if (len == 0)
    return true;
  if (source->start < len) {
    size_t count = pending_count(source);
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
    size_t count = pending_count(source);
    if (count > 0) {
      size_t some = count < missing ? count : missing;
      buffer_put(out, source->pending.data + source->start, some);
      source->start += some;
      if (out->failed)
        return no_memory(source, error);
    } else if (source->at_end) {
      return true;
    } else if (missing >= BLOCK) {
      if (!read_input(source, out, missing, error))
        return false;
    } else if (!read_block(source, error)) {
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

static bool is_behind_table(const Source *source) {
  return source->position.offset >= atomic_load(&source->end_of_table);
}

// Where to cut whole lines: at more than `source->unfinished`, or 0 when more bytes are needed.
static size_t find_cut(const Source *source, const char *bytes, size_t lines) {
  if (is_behind_table(source))
    return lines;
  if (lines <= source->unfinished)
    return 0;
  size_t cut = split_last_record(&source->dialect, bytes, lines);
  uint64_t blank;
  if (source->dialect.end_at_second_table) // blank lines stay with the record behind them
    cut = dialect_without_blank_end(&source->dialect, bytes, cut, &blank);
  if (cut > source->unfinished)
    return cut;
  return lines > source->dialect.max_record ? lines : 0; // the reader will reject it
}

static bool line_too_long(const Source *source, const Buffer *bytes, size_t lines, Error *error) {
  return error_set(
      error, "too_long", "%s:%llu: a line of more than %zu MiB: not a CSV file?", source->name,
      (unsigned long long)(source->position.line +
                           scan_count(bytes->data, lines, dialect_line_end(&source->dialect))),
      line_limit(source) >> 20);
}

// At the end of the source: all that is left, but for the footer, which then comes by itself.
static size_t cut_at_end(const Source *source, const Buffer *bytes, size_t records,
                         ChunkKind *kind) {
  if (records > 0 || is_behind_table(source))
    return is_behind_table(source) ? bytes->len : records;
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
    chunk->final = source->at_end && pending_count(source) == 0;
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
    want = bytes->len * 2 < lines + limit ? bytes->len * 2 : lines + limit + 1;
  }
}

static uint64_t length_in_file(const Source *source, const char *bytes, size_t len) {
  return source->transcoder ? encoding_length_in_file(source->dialect.text.kind, bytes, len) : len;
}

SourceStatus source_next(Source *source, size_t target, Chunk *chunk, Error *error) {
  buffer_clear(&chunk->bytes);
  size_t want = target < 1 ? 1 : target > MAX_TARGET ? MAX_TARGET : target;
  if (want < source->unfinished * 2)
    want = source->unfinished * 2;
  size_t cut = 0;
  chunk->kind = is_behind_table(source) ? CHUNK_SECOND_TABLE : CHUNK_RECORDS;
  chunk->first = source->position.offset == atomic_load(&source->end_of_table);
  if (!fill(source, want, chunk, &cut, error))
    return SOURCE_ERROR;
  if (chunk->bytes.len == 0)
    return SOURCE_END;
  if (!put_back(source, chunk->bytes.data + cut, chunk->bytes.len - cut)) {
    no_memory(source, error);
    return SOURCE_ERROR;
  }
  while (pending_count(source) == 0 && !source->at_end) {
    if (!read_block(source, error))
      return SOURCE_ERROR;
  }
  chunk->bytes.len = cut;
  chunk->position = source->position;
  chunk->origin = source->origin;
  source->origin += length_in_file(source, chunk->bytes.data, cut);
  chunk->last = source->at_end && pending_count(source) == 0;
  chunk->final = chunk->final || chunk->last;
  source->position.offset += cut;
  source->position.line += scan_count(chunk->bytes.data, cut, dialect_line_end(&source->dialect));
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
  position->offset += len;
  position->line += lines;
  return len;
}

bool source_unread(Source *source, const char *bytes, size_t len, size_t unfinished,
                   Position position) {
  if (!put_back(source, bytes, len))
    return false;
  source->position = position;
  source->origin -= length_in_file(source, bytes, len);
  source->unfinished = unfinished;
  return true;
}

// Drops up to `want` bytes; *last is the last of them. 0 at the end of the source or with an error.
static size_t drop(Source *source, size_t want, char *last, Error *error) {
  if (pending_count(source) == 0 && !read_block(source, error))
    return 0;
  size_t some = pending_count(source) < want ? pending_count(source) : want;
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
  if (pending_count(source) == 0 && !source->at_end && !read_block(source, error))
    return false;
  const char *next = source->pending.data + source->start;
  return (pending_count(source) > 0 && (*next == '\n' || *next == '\r')) ||
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
  error_set(error, "position", "'%s' is shorter than %llu bytes", source->name,
            (unsigned long long)offset);
  while (source->position.offset < offset) {
    uint64_t left = offset - source->position.offset;
    size_t want = left < BLOCK ? (size_t)left : BLOCK;
    if (drop(source, want, &last, error) == 0)
      return false;
  }
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
static SourceStatus read_some(Source *source, Reader *reader, size_t target, size_t limit,
                              Chunk *chunk, Batch *batch, Error *error) {
  for (;;) {
    batch_clear(batch);
    SourceStatus status = source_next(source, target, chunk, error);
    if (status != SOURCE_CHUNK)
      return status;
    Position position = chunk->position;
    size_t len = chunk->bytes.len;
    size_t used = chunk_read(reader, chunk, limit, &position, batch);
    if (used == SIZE_MAX || (used < len && !source_unread(source, chunk->bytes.data + used,
                                                          len - used, len - used, position))) {
      no_memory(source, error);
      return SOURCE_ERROR;
    }
    chunk->bytes.len = used;
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
  return read_some(source, reader, target, 0, chunk, batch, error);
}

// Opening

// Fills pending until it has `want` bytes, or all there are.
static bool read_ahead(Source *source, size_t want, Error *error) {
  while (!source->at_end && pending_count(source) < want) {
    if (!read_block(source, error))
      return false;
  }
  return true;
}

// The encoding that was asked for, or what the file is found to be in. Skips its byte order mark.
static bool choose_encoding(Source *source, Error *error) {
  TextOptions *text = &source->dialect.text;
  bool guess = strcasecmp(text->encoding, "auto") == 0;
  if (!read_ahead(source, guess ? SAMPLE + 1 : MOST_MARK, error))
    return false;
  const char *bytes = source->pending.data + source->start, *name;
  size_t count = pending_count(source), mark = encoding_of_mark(bytes, count, &name);
  if (mark > 0) {
    if (strcasecmp(text->encoding, name) != 0)
      snprintf(source->encoding_note, ENCODING_NOTE, "its byte order mark");
    snprintf(text->encoding, ENCODING_NAME, "%s", name);
    source->start += mark;
    source->origin = mark;
  } else if (guess) {
    size_t len = count < SAMPLE ? count : SAMPLE;
    encoding_guess(bytes, len, count <= SAMPLE, text->encoding, source->encoding_note);
  }
  return true;
}

// What is in pending was read before it was known that it must be transcoded.
static bool start_transcoder(Source *source, Error *error) {
  Buffer read = source->pending, text = {0};
  source->transcoder = transcoder_new(&source->dialect.text);
  bool ok = source->transcoder && transcoder_put(source->transcoder, read.data + source->start,
                                                 pending_count(source), source->at_end, &text);
  source->pending = text;
  source->transcoded = text.len;
  source->start = 0;
  note_packing(source);
  buffer_free(&read);
  return ok || no_memory(source, error);
}

// Bytes that text is cut at.
static size_t special_bytes(const Dialect *dialect, char *special) {
  size_t count = 0, length = dialect_delimiter_length(dialect);
  memcpy(special, length > 1 ? dialect->longer_delimiter : &dialect->delimiter, length);
  count += length;
  if (!dialect->unquoted)
    special[count++] = dialect->quote;
  if (dialect->escape)
    special[count++] = dialect->escape;
  special[count++] = '\r';
  special[count++] = '\n';
  return count;
}

static bool resolve_encoding(Source *source, Error *error) {
  char special[MOST_SPECIAL];
  Error reason;
  size_t count = special_bytes(&source->dialect, special);
  if (encoding_resolve(&source->dialect.text, special, count, &reason))
    return true;
  return error_set(error, reason.code, "could not read '%s': %s", source->name, reason.message);
}

static bool decide_encoding(Source *source, Error *error) {
  if (!choose_encoding(source, error) || !resolve_encoding(source, error))
    return false;
  EncodingKind kind = source->dialect.text.kind;
  if (kind == ENCODING_UTF8 || kind == ENCODING_FIELDS)
    source->position.offset = source->origin;
  else if (!start_transcoder(source, error))
    return false;
  if (!read_ahead(source, 1, error))
    return false;
  return pending_count(source) > 0 || error_set(error, "empty", "'%s' is empty", source->name);
}

// How much is looked at depends on the bytes alone, and not on the pieces they came in.
static bool find_line_end(Source *source, Error *error) {
  if (source->dialect.line_end == LINE_CR)
    return true;
  for (size_t want = BLOCK;; want *= 2) {
    while (!source->at_end && pending_count(source) < want) {
      if (!read_block(source, error))
        return false;
    }
    size_t count = pending_count(source), len = count < want ? count : want;
    bool follows = !source->at_end || count > len;
    if (split_find_line_end(&source->dialect, source->pending.data + source->start, len, follows,
                            &source->dialect.line_end) ||
        !follows || want > source->dialect.max_record)
      return true;
  }
}

// A control character that no header has: NUL and its like, not blanks, nor what tells fields
// apart.
static bool has_binary_byte(const Record *record, const Dialect *dialect) {
  for (size_t i = 0; i < record->length; i++) {
    unsigned char byte = (unsigned char)record->bytes[i];
    if (byte == 0 && dialect->text.strip_nul)
      continue;
    if (byte == (unsigned char)dialect->delimiter || byte == (unsigned char)dialect->quote)
      continue;
    if (byte < 0x09 || (byte > 0x0d && byte < 0x20))
      return true;
  }
  return false;
}

static bool check_header(const Source *source, const Record *record, Error *error) {
  unsigned long long line = record->line;
  if (has_binary_byte(record, &source->dialect))
    return error_set(error, "binary", "'%s' looks like a binary file, not CSV", source->name);
  if (record->error == RECORD_OK || record->error == RECORD_TOO_FEW_FIELDS ||
      record->error == RECORD_TOO_MANY_FIELDS)
    return true;
  char reason[128];
  record_error_text(record, &source->dialect, reason, sizeof reason);
  return error_set(error, "header", "%s:%llu: could not read the header: %s", source->name, line,
                   reason);
}

// The dialect that the header is read with: no policies, any number of columns.
static Dialect header_dialect(const Source *source) {
  Dialect dialect = source->dialect;
  dialect.columns = 0;
  dialect.keep_blank_lines = false;
  dialect.end_at_second_table = false;
  return dialect;
}

static bool name_columns(Source *source, size_t count, Error *error) {
  Dialect *dialect = &source->dialect;
  Header *header = &source->header;
  if (!header_make_names(header, count, dialect->too_many == MANY_EXTRA))
    return no_memory(source, error);
  if (dialect->columns == 0)
    dialect->columns = (uint32_t)count;
  dialect->header = header->lines;
  dialect->header_count =
      count > 1 && dialect->repeated_header != HEADER_LOAD ? header->line_count : 0;
  if (dialect->repair_names)
    return header_repair(header) || no_memory(source, error);
  return dialect->any_header || dialect->headerless || header_check(header, source->name, error);
}

// Takes the record in `batch` as a line of the header; of a file without one it is put back.
static bool take_header_line(Source *source, const Chunk *chunk, const Batch *batch, Error *error) {
  const Record *record = &batch->records[0];
  Header *header = &source->header;
  if (!check_header(source, record, error))
    return false;
  if (header->line_count == 0)
    header->position = record->line;
  if (!source->dialect.headerless)
    return header_add(header, batch->fields + record->field_start, record->field_count) ||
           no_memory(source, error);
  if (!put_back(source, chunk->bytes.data, chunk->bytes.len))
    return no_memory(source, error);
  source->position = chunk->position;
  source->origin = chunk->origin;
  return true;
}

static bool header_missing(const Source *source, uint32_t line, Error *error) {
  const Dialect *dialect = &source->dialect;
  bool passes_over = dialect->footer > 0 || dialect->comment_length > 0;
  if (line == 0)
    return error_set(error, "empty", "'%s' is empty: it has only %s", source->name,
                     passes_over ? "lines that are passed over" : "blank lines");
  return error_set(error, "header", "'%s' ends in its header: %u of %u lines", source->name,
                   (unsigned)line, (unsigned)source->dialect.header_lines);
}

static bool read_header_lines(Source *source, Reader *reader, Chunk *chunk, Batch *batch,
                              Error *error) {
  uint32_t lines = source->dialect.header_lines > 1 ? source->dialect.header_lines : 1;
  size_t columns = 0;
  for (uint32_t i = 0; i < lines; i++) {
    SourceStatus status = read_some(source, reader, BLOCK, 1, chunk, batch, error);
    if (status == SOURCE_END)
      return header_missing(source, i, error);
    if (status == SOURCE_ERROR || !take_header_line(source, chunk, batch, error))
      return false;
    if (columns < batch->records[0].field_count)
      columns = batch->records[0].field_count;
  }
  return name_columns(source, columns, error);
}

static bool read_header(Source *source, Error *error) {
  Dialect dialect = header_dialect(source);
  Reader *reader = reader_new(&dialect);
  if (!reader)
    return no_memory(source, error);
  Chunk chunk = {0};
  Batch batch = {0};
  bool ok = read_header_lines(source, reader, &chunk, &batch, error);
  buffer_free(&chunk.bytes);
  batch_free(&batch);
  reader_free(reader);
  return ok;
}

// The line end of lines that are passed over, the first one there is: '\0' when there is none.
static char skipped_line_end(const Source *source) {
  const char *bytes = source->pending.data + source->start;
  for (size_t i = 0; i < pending_count(source); i++) {
    if (bytes[i] == '\n')
      return '\n';
    if (bytes[i] == '\r' && i + 1 < pending_count(source))
      return bytes[i + 1] == '\n' ? '\n' : '\r';
  }
  return source->at_end ? '\r' : '\0';
}

// Passes over what is pending up to and with `end`. False: it is not there.
static bool skip_past(Source *source, char end) {
  const char *bytes = source->pending.data + source->start;
  const char *found = memchr(bytes, end, pending_count(source));
  size_t len = found ? (size_t)(found - bytes) + 1 : pending_count(source);
  source->start += len;
  source->position.offset += len;
  source->origin += length_in_file(source, bytes, len);
  return found;
}

static bool skip_lines(Source *source, Error *error) {
  if (source->dialect.skip == 0)
    return true;
  char end = source->dialect.line_end == LINE_CR ? '\r' : '\0';
  while (end == '\0' && (end = skipped_line_end(source)) == '\0')
    if (!read_block(source, error))
      return false;
  for (uint32_t i = 0; i < source->dialect.skip; i++) {
    while (!skip_past(source, end)) {
      if (source->at_end)
        return error_set(error, "empty", "'%s' has no more than the %u lines that are skipped",
                         source->name, (unsigned)source->dialect.skip);
      if (!read_block(source, error))
        return false;
    }
  }
  source->position.line += source->dialect.skip;
  return true;
}

static bool prepare(Source *source, Error *error) {
  source->digest = EVP_MD_CTX_new();
  if (!source->name || !source->digest ||
      EVP_DigestInit_ex(source->digest, EVP_sha256(), NULL) != 1)
    return error_set_errno(error, ENOMEM, "could not read the source");
  return decide_encoding(source, error) && skip_lines(source, error) &&
         find_line_end(source, error) && read_header(source, error);
}

Source *source_open(Input *input, const char *name, const Dialect *dialect, Error *error) {
  assert(input);
  Source *source = calloc(1, sizeof *source);
  if (!source) {
    input->close(input);
    error_set_errno(error, ENOMEM, "could not read '%s'", name);
    return NULL;
  }
  source->input = input;
  source->name = strdup(name);
  source->dialect = *dialect;
  source->position = (Position){0, 1};
  atomic_init(&source->end_of_table, UINT64_MAX);
  atomic_init(&source->packing, 1);
  if (prepare(source, error))
    return source;
  source_close(source);
  return NULL;
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

Position source_position(const Source *source) {
  return source->position;
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
  span.offset = chunk->origin + encoding_length_in_file(kind, chunk->bytes.data, before);
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

SourceTotals source_totals(const Source *source) {
  SourceTotals totals = source->totals;
  totals.input_bytes = source_input_bytes(source);
  return totals;
}

uint64_t source_input_bytes(const Source *source) {
  return atomic_load(&source->input_bytes);
}

uint64_t source_in_file(const Source *source, uint64_t consumed) {
  return (uint64_t)((double)consumed * atomic_load(&source->packing) + 0.5);
}
