// A record that has passed the rules, and which the server does not take.
#include "load/refusal.h"

#include "load/budget.h"
#include "load/row.h"

void record_refuse(const Engine *engine, Block *block, size_t i, const char *column,
                   const char *rule, const char *reason) {
  const Record *record = &block->batch.records[i];
  Origin origin = {.file_id = block->file_id, .line = (int64_t)record->line, .has_offset = true};
  FileSpan span = source_file_span(&block->dialect, &block->chunk, record, &block->original);
  origin.offset = (int64_t)span.offset;
  origin.bytes = span.bytes;
  origin.length = (uint32_t)span.length;
  block->counts.rejected++;
  budget_count_rule(engine, block, rule);
  if (engine->kinds[STREAM_REJECTS] == 0 && !engine->options.reject_file)
    return;
  block->rows[STREAM_REJECTS]++;
  row_put_reject(&block->out[STREAM_REJECTS], engine->options.run_id, engine->options.table,
                 &origin, column, rule, reason);
}
