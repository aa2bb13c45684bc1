// What becomes of a block once its records are through with the rules, and of the records that
// rules written in Lua look at.
#include <errno.h>
#include <stdlib.h>

#include "load/budget.h"
#include "load/stop.h"

void engine_recycle(Engine *engine, Block *block) {
  block->task = NULL;
  queue_push(&engine->idle, block);
  pthread_cond_signal(&engine->splitter_turn);
  if (engine->idle.count == engine->block_count)
    pthread_cond_signal(&engine->caller_turn);
}

static void add_counts(Counts *sum, const Counts *more) {
  sum->records += more->records;
  sum->loaded += more->loaded;
  sum->rejected += more->rejected;
  sum->unreadable += more->unreadable;
  sum->filtered += more->filtered;
  sum->bytes += more->bytes;
  for (int kind = 0; kind < REPAIR_KINDS; kind++)
    sum->repairs[kind] += more->repairs[kind];
}

static bool block_failed(const Block *block) {
  bool failed = false;
  for (int kind = 0; kind < STREAM_KINDS; kind++)
    failed = failed || block->out[kind].failed;
  return failed;
}

// The lock is held.
static void send_block(Engine *engine, Block *block) {
  block->pending = 0;
  for (int kind = 0; kind < STREAM_KINDS; kind++) {
    if (block->rows[kind] == 0)
      continue;
    block->pending++;
    engine->sent_rows[kind] += block->rows[kind];
    queue_push(&engine->outgoing[kind], block);
    pthread_cond_signal(&engine->sender_turn[kind]);
  }
  if (block->pending == 0)
    engine_recycle(engine, block);
}

// Writes a block's rejects to their file, in memory of stdio for the most part. The lock is held.
static bool write_rejects(Engine *engine, Block *block, Error *error) {
  const Buffer *out = &block->out[STREAM_REJECTS];
  if (!engine->options.reject_file || block->rows[STREAM_REJECTS] == 0)
    return true;
  block->rows[STREAM_REJECTS] = 0;
  if (fwrite(out->data, 1, out->len, engine->options.reject_file) == out->len)
    return true;
  return error_set_errno(error, errno, "could not write the rejects");
}

void engine_block_encoded(Engine *engine, Block *block) {
  Error error;
  if (block_failed(block)) {
    error_set(&error, "ENOMEM", "out of memory while loading");
    engine_fail(engine, &error);
    return;
  }
  pthread_mutex_lock(&engine->lock);
  Task *task = block->task;
  add_counts(&task->counts, &block->counts);
  add_counts(&engine->total, &block->counts);
  budget_add_rules(engine, block);
  task->encoded++;
  bool stops = block->counts.rejected > 0 || !engine->first_stop.set;
  if (!write_rejects(engine, block, &error))
    engine_fail_locked(engine, &error);
  else if (stops && !budget_holds(engine, task, &error))
    stop_at(engine, block, &error);
  block->task = NULL;
  send_block(engine, block);
  stop_if_reached(engine);
  if (task_done(task))
    pthread_cond_signal(&engine->caller_turn);
  pthread_mutex_unlock(&engine->lock);
}

bool engine_block_next(Engine *engine, Block *block, Scratch **scratch) {
  *scratch = engine->caller_scratch;
  for (; block->next < block->batch.record_count; block->next++) {
    Verdict verdict = block_run_rules(engine, block, block->next, *scratch);
    if (verdict == VERDICT_PASS)
      return true;
    block_settle(engine, block, block->next, *scratch, verdict);
  }
  return false;
}

void engine_block_verdict(Engine *engine, Block *block, Verdict verdict) {
  block_settle(engine, block, block->next++, engine->caller_scratch, verdict);
}

void engine_block_fail(Engine *engine, Block *block, const char *reason) {
  Error error;
  if (block->task->file.table_source) // whose lines are nobody's
    error_set(&error, "lua", "%s", reason);
  else
    error_set(&error, "lua", "%s:%llu: %s", block->task->file.name,
              (unsigned long long)block->batch.records[block->next].line, reason);
  pthread_mutex_lock(&engine->lock);
  stop_at(engine, block, &error);
  pthread_mutex_unlock(&engine->lock);
  engine_block_encoded(engine, block);
}

void engine_block_done(Engine *engine, Block *block) {
  engine_block_encoded(engine, block);
}

void block_free(Block *block) {
  free(block->rule_rejects);
  buffer_free(&block->original);
  buffer_free(&block->chunk.bytes);
  batch_free(&block->batch);
  for (int kind = 0; kind < STREAM_KINDS; kind++)
    buffer_free(&block->out[kind]);
}
