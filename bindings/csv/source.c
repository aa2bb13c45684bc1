// The source: reads blocks, hashes them, cuts them into chunks at record ends.
//
// Bytes read but not handed out wait in `pending`. A chunk is filled from there and then straight
// from the input; what stands behind the cut goes back to the front of `pending`. So in a steady
// state a byte is moved once and nothing is allocated.
#include "csv/source.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "csv/scan.h"
#include "csv/split.h"

#ifndef SOURCE_BLOCK // the fuzz targets have small blocks for their small texts
#define SOURCE_BLOCK (64 * 1024)
#endif

enum {
  BLOCK = SOURCE_BLOCK,
  MAX_TARGET = 16 * 1024 * 1024,
  MIN_LINE_LIMIT = MAX_TARGET,
  LINE_LIMIT_FACTOR = 4, // of max_record
  DIGEST_SIZE = 32,
};

struct Source {
  Input *input;
  char *name;
  Dialect dialect;
  Buffer pending;
  size_t start;      // of what is left in pending
  Position position; // of the next byte to hand out
  size_t unfinished; // bytes put back in which no record ends: the next chunk must be longer
  bool at_end;       // of the input
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
static bool read_input(Source *source, Buffer *out, size_t size, Error *error) {
  if (!buffer_reserve(out, size))
    return no_memory(source, error);
  ptrdiff_t got = source->input->read(source->input, out->data + out->len, size, error);
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
  out->len += (size_t)got;
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
  if (pending_count(source) == 0 && !source->at_end && !read_block(source, error))
    return SOURCE_ERROR;
  chunk->bytes.len = cut;
  chunk->position = source->position;
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

static const char byte_order_mark[] = {'\xef', '\xbb', '\xbf'};

static bool skip_byte_order_mark(Source *source, Error *error) {
  while (!source->at_end && pending_count(source) <= sizeof byte_order_mark) {
    if (!read_block(source, error))
      return false;
  }
  const char *bytes = source->pending.data + source->start;
  size_t count = pending_count(source);
  if (count >= 2 && (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0))
    return error_set(error, "encoding", "'%s' is UTF-16: convert it to UTF-8 first", source->name);
  if (count >= sizeof byte_order_mark &&
      memcmp(bytes, byte_order_mark, sizeof byte_order_mark) == 0) {
    source->start += sizeof byte_order_mark;
    source->position.offset = sizeof byte_order_mark;
  }
  if (pending_count(source) == 0 && source->at_end)
    return error_set(error, "empty", "'%s' is empty", source->name);
  return true;
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
static bool has_binary_byte(const Record *record) {
  for (size_t i = 0; i < record->length; i++) {
    unsigned char byte = (unsigned char)record->bytes[i];
    if (byte < 0x09 || (byte > 0x0d && byte < 0x20))
      return true;
  }
  return false;
}

static bool check_header(const Source *source, const Record *record, Error *error) {
  unsigned long long line = record->line;
  if (has_binary_byte(record))
    return error_set(error, "binary", "'%s' looks like a binary file, not CSV", source->name);
  if (record->error == RECORD_OK || record->error == RECORD_TOO_FEW_FIELDS ||
      record->error == RECORD_TOO_MANY_FIELDS)
    return true;
  char reason[128];
  record_error_text(record, 0, reason, sizeof reason);
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
  return skip_byte_order_mark(source, error) && find_line_end(source, error) &&
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

SourceTotals source_totals(const Source *source) {
  return source->totals;
}
