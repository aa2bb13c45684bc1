// The worker threads: tokenise blocks, check that the cuts between them were right, run the rules
// and encode rows.
#include "load/worker.h"

#include "csv/transcode.h"
#include "load/blocks.h"
#include "load/memory.h"
#include "load/odd.h"
#include "load/records.h"
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
// consumed to its end vouches for the one after it. The lock is held.
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
    memory_recycle(engine, block);
    return;
  }
  task->ring[block->sequence % engine->block_count] = block;
  task->ring_count++;
  check_ring(engine, task);
}

static uint64_t file_bytes(const Block *block) {
  const Dialect *dialect = source_dialect(block->task->file.source);
  return transcode_length_in_file(dialect->text.kind, block->chunk.bytes.data, block->consumed);
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
  block->counts.lines = block->batch.lines;
  memcpy(block->counts.repairs, block->batch.repairs, sizeof block->counts.repairs);
  pthread_mutex_lock(&engine->lock);
  put_in_ring(engine, block);
  pthread_mutex_unlock(&engine->lock);
}

static void encode(Worker *worker, Block *block) {
  Engine *engine = worker->engine;
  Error error;
  block->profiles = worker->profiles;
  for (size_t i = 0; i < block->batch.record_count; i++)
    record_settle(engine, block, i, worker->scratch,
                  record_judge(engine, block, i, worker->scratch));
  if (!odd_settle(engine, block, &error))
    engine_fail(engine, &error);
  block_encoded(engine, block);
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
