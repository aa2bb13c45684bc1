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
  uint64_t origin;        // Chunk.origin of the next chunk
  char encoding_note[ENCODING_NOTE];
  atomic_uint_fast64_t input_bytes;
  Buffer names;
  Field *columns;
  size_t column_count;
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
  buffer_free(&source->names);
  buffer_free(&source->raw);
  transcoder_free(source->transcoder);
  free(source->columns);
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
  if (got == 0) {
    source->at_end = true;
    finish_digest(source);
    return true;
  }
  if (EVP_DigestUpdate(source->digest, out->data + out->len, (size_t)got) != 1)
    return error_set(error, "digest", "could not compute the SHA-256 of '%s'", source->name);
  source->totals.bytes += (uint64_t)got;
  atomic_store(&source->input_bytes, input->taken ? input->taken(input) : source->totals.bytes);
  out->len += (size_t)got;
  return true;
}

// The same as UTF-8, or as what is tokenised as it is. May append some more bytes, or none.
static bool read_input(Source *source, Buffer *out, size_t size, Error *error) {
  if (!source->transcoder)
    return read_bytes(source, out, size, error);
  buffer_clear(&source->raw);
  if (!read_bytes(source, &source->raw, size, error))
    return false;
  return transcoder_put(source->transcoder, source->raw.data, source->raw.len, source->at_end,
                        out) ||
         no_memory(source, error);
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

// Where to cut bytes[0, len): more than `source->unfinished`, or 0 when more bytes are needed.
static size_t find_cut(const Source *source, const char *bytes, size_t lines) {
  if (lines <= source->unfinished)
    return 0;
  size_t cut = split_last_record(&source->dialect, bytes, lines);
  if (cut > source->unfinished)
    return cut;
  return lines > source->dialect.max_record ? lines : 0; // the reader will reject it
}

// Fills the chunk, longer and longer, until there is a place to cut. Returns false with `error`
// filled; *cut is the whole length at the end of the source.
static bool fill(Source *source, size_t want, Buffer *bytes, size_t *cut, Error *error) {
  for (;;) {
    if (!take(source, bytes, want, error))
      return false;
    *cut = bytes->len;
    if (source->at_end && pending_count(source) == 0)
      return true;
    size_t lines = split_last_line(&source->dialect, bytes->data, bytes->len);
    *cut = find_cut(source, bytes->data, lines);
    if (*cut > 0)
      return true;
    size_t limit = line_limit(source);
    if (bytes->len - lines > limit)
      return error_set(
          error, "too_long", "%s:%llu: a line of more than %zu MiB: not a CSV file?", source->name,
          (unsigned long long)(source->position.line +
                               scan_count(bytes->data, lines, dialect_line_end(&source->dialect))),
          limit >> 20);
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
  if (!fill(source, want, &chunk->bytes, &cut, error))
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
  source->position.offset += cut;
  source->position.line += scan_count(chunk->bytes.data, cut, dialect_line_end(&source->dialect));
  source->unfinished = 0;
  return SOURCE_CHUNK;
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
    size_t used = reader_read(reader, chunk->bytes.data, len, chunk->last, limit, &position, batch);
    if (used == SIZE_MAX || (used < len && !source_unread(source, chunk->bytes.data + used,
                                                          len - used, len - used, position))) {
      no_memory(source, error);
      return SOURCE_ERROR;
    }
    chunk->bytes.len = used;
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

static bool is_blank(char byte) {
  return byte == ' ' || byte == '\t';
}

static Field trimmed(Field field) {
  while (field.len > 0 && is_blank(field.data[0]))
    field.data++, field.len--;
  while (field.len > 0 && is_blank(field.data[field.len - 1]))
    field.len--;
  return field;
}

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
  source->start = 0;
  buffer_free(&read);
  return ok || no_memory(source, error);
}

// Bytes that text is cut at.
static size_t special_bytes(const Dialect *dialect, char *special) {
  const char bytes[] = {dialect->delimiter, dialect->quote, '\r', '\n'};
  memcpy(special, bytes, sizeof bytes);
  return sizeof bytes;
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

// A control character that no header has: NUL and its like, not blanks.
static bool has_binary_byte(const Record *record, bool nul_is_fine) {
  for (size_t i = 0; i < record->length; i++) {
    unsigned char byte = (unsigned char)record->bytes[i];
    if (byte == 0 && nul_is_fine)
      continue;
    if (byte < 0x09 || (byte > 0x0d && byte < 0x20))
      return true;
  }
  return false;
}

static bool check_header(const Source *source, const Record *record, Error *error) {
  unsigned long long line = record->line;
  if (has_binary_byte(record, source->dialect.text.strip_nul))
    return error_set(error, "binary", "'%s' looks like a binary file, not CSV", source->name);
  if (record->error == RECORD_OK || record->error == RECORD_TOO_FEW_FIELDS ||
      record->error == RECORD_TOO_MANY_FIELDS)
    return true;
  char reason[128];
  record_error_text(record, &source->dialect, reason, sizeof reason);
  return error_set(error, "header", "%s:%llu: could not read the header: %s", source->name, line,
                   reason);
}

static bool has_columns(Source *source, size_t count, size_t text, Error *error) {
  source->columns = calloc(count, sizeof *source->columns);
  if (!source->columns || (text > 0 && !buffer_reserve(&source->names, text)))
    return no_memory(source, error);
  source->column_count = count;
  if (source->dialect.columns == 0)
    source->dialect.columns = (uint32_t)count;
  return true;
}

static bool name_columns(Source *source, const Field *fields, size_t count, Error *error) {
  size_t text = 0;
  for (size_t i = 0; i < count; i++)
    text += fields[i].len;
  if (!has_columns(source, count, text, error))
    return false;
  for (size_t i = 0; i < count; i++) {
    Field name = trimmed(fields[i]);
    source->columns[i] = name.len ? (Field){source->names.data + source->names.len, name.len, false}
                                  : (Field){"", 0, false};
    buffer_put(&source->names, name.data, name.len);
  }
  return true;
}

static bool number_columns(Source *source, size_t count, Error *error) {
  enum { NAME_SIZE = 24 };
  if (!has_columns(source, count, count * NAME_SIZE, error))
    return false;
  for (size_t i = 0; i < count; i++) {
    char *at = source->names.data + source->names.len;
    int len = snprintf(at, NAME_SIZE, "column%zu", i + 1);
    source->columns[i] = (Field){at, (uint32_t)len, false};
    source->names.len += (size_t)len;
  }
  return true;
}

// Column names are compared as PostgreSQL folds them: ASCII letters only.
static int compare_names(const void *left, const void *right) {
  const Field *a = *(const Field *const *)left, *b = *(const Field *const *)right;
  int order = strncasecmp(a->data, b->data, a->len < b->len ? a->len : b->len);
  if (order != 0)
    return order;
  if (a->len != b->len)
    return a->len < b->len ? -1 : 1;
  return a < b ? -1 : a > b;
}

static bool same_name(const Field *a, const Field *b) {
  return a->len == b->len && strncasecmp(a->data, b->data, a->len) == 0;
}

static bool check_names(const Source *source, uint64_t line, Error *error) {
  size_t count = source->column_count;
  const Field **sorted = calloc(count, sizeof *sorted);
  if (!sorted)
    return no_memory(source, error);
  for (size_t i = 0; i < count; i++)
    sorted[i] = &source->columns[i];
  qsort(sorted, count, sizeof *sorted, compare_names);
  bool ok = true;
  if (sorted[0]->len == 0)
    ok = error_set(error, "header", "%s:%llu: column %td of the header has no name", source->name,
                   (unsigned long long)line, sorted[0] - source->columns + 1);
  for (size_t i = 1; ok && i < count; i++) {
    if (same_name(sorted[i - 1], sorted[i]))
      ok = error_set(error, "header",
                     "%s:%llu: columns %td and %td of the header are both named '%.*s'",
                     source->name, (unsigned long long)line, sorted[i - 1] - source->columns + 1,
                     sorted[i] - source->columns + 1, (int)sorted[i]->len, sorted[i]->data);
  }
  free(sorted);
  return ok;
}

static bool take_header(Source *source, const Chunk *chunk, const Batch *batch, Error *error) {
  const Record *record = &batch->records[0];
  if (!check_header(source, record, error))
    return false;
  const Field *fields = batch->fields + record->field_start;
  if (!source->dialect.headerless)
    return name_columns(source, fields, record->field_count, error) &&
           (source->dialect.any_header || check_names(source, record->line, error));
  if (!put_back(source, chunk->bytes.data, chunk->bytes.len))
    return no_memory(source, error);
  source->position = chunk->position;
  source->origin = chunk->origin;
  return number_columns(source, record->field_count, error);
}

static bool read_header(Source *source, Error *error) {
  Dialect dialect = source->dialect;
  dialect.columns = 0;
  Reader *reader = reader_new(&dialect);
  if (!reader)
    return no_memory(source, error);
  Chunk chunk = {0};
  Batch batch = {0};
  SourceStatus status = read_some(source, reader, BLOCK, 1, &chunk, &batch, error);
  bool ok = status == SOURCE_CHUNK && take_header(source, &chunk, &batch, error);
  if (status == SOURCE_END)
    error_set(error, "empty", "'%s' is empty: it has only blank lines", source->name);
  buffer_free(&chunk.bytes);
  batch_free(&batch);
  reader_free(reader);
  return ok;
}

static bool prepare(Source *source, Error *error) {
  source->digest = EVP_MD_CTX_new();
  if (!source->name || !source->digest ||
      EVP_DigestInit_ex(source->digest, EVP_sha256(), NULL) != 1)
    return error_set_errno(error, ENOMEM, "could not read the source");
  return decide_encoding(source, error) && find_line_end(source, error) &&
         read_header(source, error);
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
  if (prepare(source, error))
    return source;
  source_close(source);
  return NULL;
}

size_t source_column_count(const Source *source) {
  return source->column_count;
}

const Field *source_columns(const Source *source) {
  return source->columns;
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

SourceTotals source_totals(const Source *source) {
  SourceTotals totals = source->totals;
  totals.input_bytes = source_input_bytes(source);
  return totals;
}

uint64_t source_input_bytes(const Source *source) {
  return atomic_load(&source->input_bytes);
}
