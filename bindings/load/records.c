// The outcome of a record: the rules' verdict, then a row of the raw, the clean or the rejects
// stream.
#include "load/records.h"

#include "load/odd.h"
#include "load/origins.h"
#include "load/rejects.h"
#include "load/repeats.h"

Verdict record_judge(const Engine *engine, Block *block, size_t i, Scratch *scratch) {
  const Record *record = &block->batch.records[i];
  if (record->error != RECORD_OK)
    return record->error == RECORD_SKIPPED_HEADER ? VERDICT_FILTER : VERDICT_REJECT;
  if (!engine->options.program)
    return VERDICT_PASS;
  return program_run(engine->options.program, scratch, block->batch.fields + record->field_start,
                     block->task->clean_map);
}

static void put_unreadable(const Engine *engine, Block *block, size_t i, Origin *origin) {
  const Record *record = &block->batch.records[i];
  const char *rule = record_error_rule(record->error);
  char reason[256];
  if (!reject_count(engine, block, rule))
    return;
  origin_locate(block, record, origin);
  record_error_text(record, source_dialect(block->task->file.source), reason, sizeof reason);
  reject_put(engine, block, i, origin, NULL, rule, reason);
}

static void put_reject(const Engine *engine, Block *block, size_t i, Origin *origin,
                       const Scratch *scratch) {
  const Reject *reject = scratch_reject(scratch);
  if (!reject_count(engine, block, reject->rule))
    return;
  origin_locate(block, &block->batch.records[i], origin);
  const char *column = reject->column < 0
                           ? NULL
                           : program_column_name(engine->options.program, (size_t)reject->column);
  reject_put(engine, block, i, origin, column, reject->rule, reject->reason);
}

static void mark_row(const Engine *engine, Block *block, size_t i, const Origin *origin) {
  if (!engine->options.tell_lines && !engine->keys)
    return;
  RowMark mark = {block->out[STREAM_CLEAN].len, origin->line, i};
  buffer_put(&block->marks, (const char *)&mark, sizeof mark);
}

static uint64_t place_of(const Block *block, const Origin *origin) {
  const Task *task = block->task;
  uint64_t file = task->profile_file + (task->file.table_source ? (uint64_t)origin->file_id : 0);
  return profile_place(file, origin->line);
}

// The profile is of the last of the columns, or of all.
static void put_raw(Block *block, const Record *record, const Origin *origin) {
  const Field *fields = block->batch.fields + record->field_start;
  const FileTask *file = &block->task->file;
  Profile *profile = block->profiles.raw;
  block->rows[STREAM_RAW]++;
  row_put_raw(&block->out[STREAM_RAW], fields, block->task->raw_map, file->raw_count, origin);
  if (profile && profile->column_count <= file->raw_count)
    profile_add_fields(profile, fields,
                       block->task->raw_map + (file->raw_count - profile->column_count),
                       place_of(block, origin));
}

static void put_clean(Engine *engine, Block *block, size_t i, const Origin *origin,
                      const Scratch *scratch) {
  block->counts.loaded++;
  if (block->profiles.clean)
    profile_add(block->profiles.clean, scratch, place_of(block, origin));
  if (engine->kinds[STREAM_CLEAN] == 0)
    return;
  block->rows[STREAM_CLEAN]++;
  const EngineOptions *options = &engine->options;
  Buffer *out = &block->out[STREAM_CLEAN];
  size_t odd = scratch_odd_count(scratch);
  if (odd > 0 && options->clean_text)
    odd_note(engine, block, scratch, origin->line);
  if (odd > 0 && !options->clean_text) {
    buffer_put_u16(out, (uint16_t)program_column_count(options->program));
    odd_put_row(block, options->program, scratch);
  } else if (options->clean_text)
    row_put_clean_text(out, options->program, scratch, options->clean_position, origin);
  else
    row_put_clean(out, options->program, scratch, options->clean_position, origin);
  mark_row(engine, block, i, origin);
  if (engine->keys)
    repeats_note(engine, block, scratch);
}

void record_settle(Engine *engine, Block *block, size_t i, Scratch *scratch, Verdict verdict) {
  const Record *record = &block->batch.records[i];
  Origin origin = origin_of(block, record);
  block->counts.records++;
  block->counts.unreadable += record->error != RECORD_OK;
  if (record->error == RECORD_OK && engine->kinds[STREAM_RAW] > 0)
    put_raw(block, record, &origin);
  if (verdict == VERDICT_PASS)
    put_clean(engine, block, i, &origin, scratch);
  else if (verdict == VERDICT_REJECT && record->error != RECORD_OK)
    put_unreadable(engine, block, i, &origin);
  else if (verdict == VERDICT_REJECT)
    put_reject(engine, block, i, &origin, scratch);
  else
    block->counts.filtered++;
}
