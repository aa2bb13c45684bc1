// The worker threads: tokenise blocks, check that the cuts between them were right, run the rules
// and encode rows.
#include "load/budget.h"
#include "load/row.h"
#include "load/stop.h"

static Reader *worker_reader(Worker *worker, const Task *task) {
  if (worker->reader && worker->reader_serial == task->serial)
    return worker->reader;
  reader_free(worker->reader);
  worker->reader = reader_new(source_dialect(task->file.source));
  worker->reader_serial = task->serial;
  return worker->reader;
}

static void fail_memory(Engine *engine) {
  Error error;
  error_set(&error, "ENOMEM", "out of memory while loading");
  engine_fail(engine, &error);
}

// Everything from the end of the block's last record on must be cut again. The lock is held.
static void ask_recut(Task *task, const Block *block) {
  buffer_clear(&task->leftover);
  buffer_put(&task->leftover, block->chunk.bytes.data + block->consumed,
             block->chunk.bytes.len - block->consumed);
  task->leftover_unfinished = block->batch.stopped ? 0 : task->leftover.len;
  task->leftover_position = block->end;
  task->recut = true;
}

// A policy stopped the block's batch. False, with `error` filled: that ends the load.
static bool may_go_on(const Block *block, Error *error) {
  Source *source = block->task->file.source;
  if (!block->batch.stopped)
    return true;
  if (block->batch.stop.error != RECORD_SECOND_TABLE)
    return source_stop_error(source, &block->batch.stop, error);
  source_end_table(source, block->end.offset);
  return true;
}

// Moves on the blocks whose start is now known to be the start of a record: a block that was
// consumed to its end vouches for the one behind it. The lock is held.
static void check_ring(Engine *engine, Task *task) {
  Error error;
  Block **slot = &task->ring[task->checked % engine->block_count];
  while (!task->recut && *slot) {
    Block *block = *slot;
    *slot = NULL;
    task->ring_count--;
    task->checked++;
    if (!may_go_on(block, &error))
      stop_at(engine, block, &error);
    else if (block->consumed < block->chunk.bytes.len)
      ask_recut(task, block);
    queue_push(engine->options.lua_rules ? &engine->lua : &engine->checked, block);
    pthread_cond_signal(engine->options.lua_rules ? &engine->caller_turn : &engine->worker_turn);
    slot = &task->ring[task->checked % engine->block_count];
  }
  if (task->recut)
    pthread_cond_signal(&engine->splitter_turn);
}

// Puts a tokenised block in its place among those of its file. The lock is held.
static void put_in_ring(Engine *engine, Block *block) {
  Task *task = block->task;
  if (stop_is_before(engine, block)) {
    engine_recycle(engine, block);
    return;
  }
  task->ring[block->sequence % engine->block_count] = block;
  task->ring_count++;
  check_ring(engine, task);
}

static uint64_t file_bytes(const Block *block) {
  const Dialect *dialect = source_dialect(block->task->file.source);
  return encoding_length_in_file(dialect->text.kind, block->chunk.bytes.data, block->consumed);
}

static void tokenise(Worker *worker, Block *block) {
  Engine *engine = worker->engine;
  Reader *reader = worker_reader(worker, block->task);
  block->end = block->chunk.position;
  block->consumed =
      reader ? chunk_read(reader, &block->chunk, 0, &block->end, &block->batch) : SIZE_MAX;
  if (block->consumed == SIZE_MAX) {
    fail_memory(engine);
    block->consumed = 0;
  }
  block->counts = (Counts){.bytes = file_bytes(block)};
  memcpy(block->counts.repairs, block->batch.repairs, sizeof block->counts.repairs);
  pthread_mutex_lock(&engine->lock);
  put_in_ring(engine, block);
  pthread_mutex_unlock(&engine->lock);
}

static int64_t parse_digits(const Field *field) {
  int64_t value = 0;
  for (uint32_t i = 0; i < field->len && field->data[i] >= '0' && field->data[i] <= '9'; i++)
    value = value * 10 + (field->data[i] - '0');
  return value;
}

// A record that came from a raw table opens with _file_id and _line, which are digits.
static Origin table_origin(const Record *record, const Field *fields) {
  Origin origin = {.file_id = parse_digits(&fields[0]), .line = parse_digits(&fields[1])};
  const char *end = record->bytes + record->length;
  const char *comma = memchr(record->bytes, ',', record->length);
  comma = comma ? memchr(comma + 1, ',', (size_t)(end - comma - 1)) : NULL;
  origin.bytes = comma ? comma + 1 : end;
  origin.length = (uint32_t)(end - origin.bytes);
  return origin;
}

static Origin record_origin(const Block *block, const Record *record) {
  const FileTask *file = &block->task->file;
  if (file->table_source && record->error == RECORD_OK)
    return table_origin(record, block->batch.fields + record->field_start);
  return (Origin){
      .file_id = file->file_id,
      .line = (int64_t)record->line,
      .bytes = record->bytes,
      .length = record->length,
      .has_offset = true,
      .offset = (int64_t)record->offset,
  };
}

Verdict block_run_rules(const Engine *engine, Block *block, size_t i, Scratch *scratch) {
  const Record *record = &block->batch.records[i];
  if (record->error != RECORD_OK)
    return record->error == RECORD_SKIPPED_HEADER ? VERDICT_FILTER : VERDICT_REJECT;
  if (!engine->options.program)
    return VERDICT_PASS;
  return program_run(engine->options.program, scratch, block->batch.fields + record->field_start,
                     block->task->clean_map);
}

static void put_unreadable(const Engine *engine, Block *block, const Record *record,
                           const Origin *origin, const char *rule) {
  char reason[256];
  record_error_text(record, source_dialect(block->task->file.source), reason, sizeof reason);
  row_put_reject(&block->out[STREAM_REJECTS], engine->options.run_id, engine->options.table, origin,
                 NULL, rule, reason);
}

// Offset, length and bytes of a reject as the file has them.
static void locate(Block *block, const Record *record, Origin *origin) {
  if (!origin->has_offset)
    return;
  FileSpan span = source_file_span(source_dialect(block->task->file.source), &block->chunk, record,
                                   &block->original);
  origin->offset = (int64_t)span.offset;
  origin->bytes = span.bytes;
  origin->length = (uint32_t)span.length;
}

static void put_reject(const Engine *engine, Block *block, const Record *record, Origin *origin,
                       const Scratch *scratch) {
  bool unreadable = record->error != RECORD_OK;
  const char *rule = unreadable ? record_error_rule(record->error) : scratch_reject(scratch)->rule;
  block->counts.rejected++;
  budget_count_rule(engine, block, rule);
  if (engine->kinds[STREAM_REJECTS] == 0 && !engine->options.reject_file)
    return;
  block->rows[STREAM_REJECTS]++;
  locate(block, record, origin);
  if (unreadable) {
    put_unreadable(engine, block, record, origin, rule);
    return;
  }
  const Reject *reject = scratch_reject(scratch);
  const char *column = reject->column < 0
                           ? NULL
                           : program_column_name(engine->options.program, (size_t)reject->column);
  row_put_reject(&block->out[STREAM_REJECTS], engine->options.run_id, engine->options.table, origin,
                 column, rule, reject->reason);
}

static void put_clean(const Engine *engine, Block *block, const Origin *origin,
                      const Scratch *scratch) {
  block->counts.loaded++;
  if (engine->kinds[STREAM_CLEAN] == 0)
    return;
  block->rows[STREAM_CLEAN]++;
  const EngineOptions *options = &engine->options;
  Buffer *out = &block->out[STREAM_CLEAN];
  if (options->clean_text)
    row_put_clean_text(out, options->program, scratch, options->clean_position, origin);
  else
    row_put_clean(out, options->program, scratch, options->clean_position, origin);
}

void block_settle(const Engine *engine, Block *block, size_t i, Scratch *scratch, Verdict verdict) {
  const Record *record = &block->batch.records[i];
  Origin origin = record_origin(block, record);
  block->counts.records++;
  block->counts.unreadable += record->error != RECORD_OK;
  if (record->error == RECORD_OK && engine->kinds[STREAM_RAW] > 0) {
    block->rows[STREAM_RAW]++;
    row_put_raw(&block->out[STREAM_RAW], block->batch.fields + record->field_start,
                block->task->raw_map, block->task->file.raw_count, &origin);
  }
  if (verdict == VERDICT_PASS)
    put_clean(engine, block, &origin, scratch);
  else if (verdict == VERDICT_REJECT)
    put_reject(engine, block, record, &origin, scratch);
  else
    block->counts.filtered++;
}

static void encode(Worker *worker, Block *block) {
  Engine *engine = worker->engine;
  for (size_t i = 0; i < block->batch.record_count; i++)
    block_settle(engine, block, i, worker->scratch,
                 block_run_rules(engine, block, i, worker->scratch));
  engine_block_encoded(engine, block);
}

void *worker_main(void *arg) {
  Worker *worker = arg;
  Engine *engine = worker->engine;
  for (;;) {
    pthread_mutex_lock(&engine->lock);
    while (!engine->stop && !engine->closing && engine->checked.count == 0 &&
           engine->cut.count == 0)
      pthread_cond_wait(&engine->worker_turn, &engine->lock);
    bool leave = engine->stop || engine->closing;
    Block *checked = leave ? NULL : stop_take(engine, &engine->checked);
    Block *cut = leave || checked ? NULL : stop_take(engine, &engine->cut);
    pthread_mutex_unlock(&engine->lock);
    if (leave)
      return NULL;
    if (checked)
      encode(worker, checked);
    else if (cut)
      tokenise(worker, cut);
  }
}
