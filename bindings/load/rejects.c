// Rejects of a block: those of the rules in the order of their records, and those that the server
// refuses afterwards.
#include "load/rejects.h"

#include <stdlib.h>

#include "load/budget.h"

bool reject_count(const Engine *engine, Block *block, const char *rule) {
  block->counts.rejected++;
  budget_count_rule(engine, block, rule);
  return engine->kinds[STREAM_REJECTS] > 0 || engine->options.reject_file;
}

void reject_put(const Engine *engine, Block *block, size_t i, const Origin *origin,
                const char *column, const char *rule, const char *reason) {
  Buffer *out = &block->out[STREAM_REJECTS];
  block->rows[STREAM_REJECTS]++;
  row_put_reject(out, engine->options.run_id, engine->options.table, origin, column, rule, reason);
  RowMark mark = {out->len, origin->line, i};
  buffer_put(&block->reject_marks, &mark, sizeof mark);
}

void record_refuse(const Engine *engine, Block *block, size_t i, const char *column,
                   const char *rule, const char *reason) {
  if (!reject_count(engine, block, rule))
    return;
  const Record *record = &block->batch.records[i];
  FileSpan span = source_file_span(&block->dialect, &block->chunk, record, &block->original);
  Origin origin = {.file_id = block->file_id,
                   .line = (int64_t)record->line,
                   .bytes = span.bytes,
                   .length = (uint32_t)span.length,
                   .has_offset = true,
                   .offset = (int64_t)span.offset};
  reject_put(engine, block, i, &origin, column, rule, reason);
}

// Where a row begins and ends, and of which record it is.
typedef struct RowSpan {
  size_t record, start, len;
} RowSpan;

static int by_record(const void *a, const void *b) {
  size_t left = ((const RowSpan *)a)->record, right = ((const RowSpan *)b)->record;
  return (left > right) - (left < right);
}

void rejects_order(Block *block) {
  Buffer *rows = &block->out[STREAM_REJECTS], ordered = {0};
  const RowMark *marks = (const RowMark *)(const void *)block->reject_marks.data;
  size_t count = block->reject_marks.len / sizeof *marks;
  RowSpan *spans = count > 1 ? malloc(count * sizeof *spans) : NULL;
  if (!spans || rows->failed || block->reject_marks.failed ||
      !buffer_reserve(&ordered, rows->len)) {
    free(spans); // out of memory for the order alone: the rows stay as they came
    buffer_free(&ordered);
    return;
  }
  for (size_t i = 0, start = 0; i < count; start = marks[i++].end)
    spans[i] = (RowSpan){marks[i].record, start, marks[i].end - start};
  qsort(spans, count, sizeof *spans, by_record);
  for (size_t i = 0; i < count; i++)
    buffer_put(&ordered, rows->data + spans[i].start, spans[i].len);
  free(spans);
  buffer_free(rows);
  *rows = ordered;
}
