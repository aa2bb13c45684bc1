// See csv_check.h.
#include "csv_check.h"
#include "csv/source_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char check_what[512];

_Noreturn void check_fail(const char *message) {
  fprintf(stderr, "%s: %s\n", check_what, message);
  exit(1);
}

// Records as text: one line of JSON each

void put_text(Buffer *out, const char *text) {
  buffer_put(out, text, strlen(text));
}

void put_json(Buffer *out, const char *bytes, size_t len) {
  put_text(out, "\"");
  for (size_t i = 0; i < len; i++) {
    unsigned char byte = (unsigned char)bytes[i];
    char escaped[8];
    snprintf(escaped, sizeof escaped, "\\u%04x", byte);
    bool plain = byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
    buffer_put(out, plain ? (const char *)&bytes[i] : escaped, plain ? 1 : 6);
  }
  put_text(out, "\"");
}

static void put_record(Buffer *out, const Batch *batch, const Record *record) {
  char head[128];
  snprintf(head, sizeof head, "[%llu,%llu,%u,%d,[", (unsigned long long)record->line,
           (unsigned long long)record->offset, record->length, (int)record->error);
  put_text(out, head);
  for (uint32_t i = 0; i < record->field_count; i++) {
    const Field *field = &batch->fields[record->field_start + i];
    put_text(out, i ? "," : "");
    if (field->null)
      put_text(out, "null");
    else
      put_json(out, field->data, field->len);
  }
  snprintf(head, sizeof head, "] repairs %x", record->repairs);
  put_text(out, record->repairs ? head : "]");
  put_text(out, "]\n");
}

// What every reading must keep to

static bool gaps_allowed; // the dialect passes over lines

static bool passes_over(const Dialect *dialect) {
  return dialect->comment_length > 0 || dialect->footer > 0 || dialect->end_at_second_table ||
         dialect->text_format;
}

void check_record(const Text *text, const Record *record, size_t *covered, uint64_t *line) {
  if (record->offset < *covered || record->offset + record->length > text->len)
    check_fail("a record overlaps another or leaves the file");
  if (memcmp(text->bytes + record->offset, record->bytes, record->length) != 0)
    check_fail("the bytes of a record are not those of the file at its offset");
  for (; *covered < record->offset; (*covered)++) {
    if (!gaps_allowed && text->bytes[*covered] != '\n' && text->bytes[*covered] != '\r')
      check_fail("bytes between two records were swallowed");
  }
  if (record->line < *line)
    check_fail("lines go backwards");
  *line = record->line;
  *covered += record->length;
}

void check_tail(const Text *text, size_t covered) {
  for (; covered < text->len; covered++) {
    if (!gaps_allowed && text->bytes[covered] != '\n' && text->bytes[covered] != '\r')
      check_fail("bytes behind the last record were swallowed");
  }
}

uint64_t line_at(const Text *text, size_t offset, LineEnd line_end) {
  uint64_t line = 1;
  for (size_t i = 0; i < offset; i++)
    line += text->bytes[i] == (line_end == LINE_CR ? '\r' : '\n');
  return line;
}

static void take_batch(const Text *text, const Batch *batch, size_t *covered, uint64_t *line,
                       Buffer *out) {
  for (size_t i = 0; i < batch->record_count; i++) {
    check_record(text, &batch->records[i], covered, line);
    put_record(out, batch, &batch->records[i]);
  }
}

// An input that gives a few bytes at a time, as pipes do

typedef struct SlowInput {
  Input input;
  Text text;
  size_t at;
  size_t step;
} SlowInput;

static ptrdiff_t slow_read(Input *input, char *out, size_t size, Error *error) {
  (void)error;
  SlowInput *slow = (SlowInput *)input;
  size_t count = slow->text.len - slow->at;
  count = count < slow->step ? count : slow->step;
  count = count < size ? count : size;
  if (count > 0)
    memcpy(out, slow->text.bytes + slow->at, count);
  slow->at += count;
  return (ptrdiff_t)count;
}

static void slow_close(Input *input) {
  free(input);
}

static Input *slow_input(Text text, size_t step) {
  SlowInput *slow = calloc(1, sizeof *slow);
  assert(slow);
  *slow = (SlowInput){{slow_read, slow_close, NULL}, text, 0, step};
  return &slow->input;
}

// Dialects borrow their source's header: the last two sources stay open.
static void keep_open(Source *source) {
  static Source *kept[2];
  source_close(kept[1]);
  kept[1] = kept[0];
  kept[0] = source;
}

size_t read_through_source(Text text, const Dialect *dialect, size_t target, size_t step,
                           Buffer *out, Dialect *found) {
  Error error;
  buffer_clear(out);
  *found = *dialect;
  gaps_allowed = passes_over(dialect);
  Source *source = source_open(slow_input(text, step), check_what, dialect, &error);
  if (!source) {
    put_text(out, error.message);
    return SIZE_MAX;
  }
  *found = *source_dialect(source);
  Reader *reader = reader_new(found);
  Chunk chunk = {0};
  Batch batch = {0};
  size_t start = (size_t)source->position.offset, covered = start;
  uint64_t line = 1;
  SourceStatus status;
  Lines lines = source_opening_lines(source);
  while ((status = source_read(source, reader, target, &chunk, &batch, &error)) == SOURCE_CHUNK) {
    if (batch.record_count == 0)
      check_fail("a chunk without a record");
    lines_add(&lines, &batch.lines);
    take_batch(&text, &batch, &covered, &line, out);
  }
  bool by_policy = dialect->too_few == FEW_STOP || dialect->too_many == MANY_STOP;
  if (status == SOURCE_ERROR && !by_policy)
    check_fail(error.message);
  if (status == SOURCE_ERROR) {
    put_text(out, error.message);
    gaps_allowed = true;
  }
  check_tail(&text, covered);
  lines_add(&lines, &batch.lines);
  if (status == SOURCE_END && lines_total(&lines) != source_lines(source))
    check_fail("not every line is accounted for");
  if (status == SOURCE_END &&
      (source_totals(source).bytes != text.len || !source_totals(source).sha256[0]))
    check_fail("the totals are not those of the whole file");
  keep_open(source);
  reader_free(reader);
  buffer_free(&chunk.bytes);
  batch_free(&batch);
  return start;
}

void read_at_once(Text text, const Dialect *found, size_t start, Buffer *out) {
  Dialect by_libcsv = *found;
  by_libcsv.libcsv_only = true;
  const Dialect *dialect = &by_libcsv;
  Position position = {start, line_at(&text, start, dialect->line_end)};
  Reader *reader = reader_new(dialect);
  Batch batch = {0};
  size_t covered = start;
  uint64_t line = 1;
  size_t used =
      reader_read(reader, text.bytes + start, text.len - start, true, 0, &position, &batch);
  bool stopped = batch.stopped;
  if (!stopped && (used != text.len - start || position.offset != text.len))
    check_fail("the reader did not consume everything");
  if (!stopped && position.line != line_at(&text, text.len, dialect->line_end))
    check_fail("the reader lost count of the lines");
  for (size_t i = 0; i < batch.record_count; i++) {
    if (batch.records[i].line != line_at(&text, (size_t)batch.records[i].offset, dialect->line_end))
      check_fail("a record has the wrong line");
  }
  buffer_clear(out);
  take_batch(&text, &batch, &covered, &line, out);
  check_tail(&text, covered);
  reader_free(reader);
  batch_free(&batch);
}

void read_in_two(Text text, Reader *reader, Batch *batch, Position position, size_t cut,
                 Buffer *out) {
  size_t start = (size_t)position.offset, covered = start;
  uint64_t line = 1;
  buffer_clear(out);
  size_t used = reader_read(reader, text.bytes + start, cut - start, false, 0, &position, batch);
  take_batch(&text, batch, &covered, &line, out);
  start += used;
  reader_read(reader, text.bytes + start, text.len - start, true, 0, &position, batch);
  take_batch(&text, batch, &covered, &line, out);
}

void expect_equal(const Buffer *expected, const Buffer *got, const char *message) {
  if (expected->len == got->len &&
      (got->len == 0 || memcmp(expected->data, got->data, got->len) == 0))
    return;
  fprintf(stderr, "expected:\n%.*s\ngot:\n%.*s\n", (int)expected->len, expected->data,
          (int)got->len, got->data);
  check_fail(message);
}
