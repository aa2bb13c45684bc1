// What happens to a block once its records have been through the rules.
#include "load/blocks.h"

#include <errno.h>
#include <stdlib.h>

#include "load/budget.h"
#include "load/memory.h"
#include "load/repeats.h"
#include "load/stop.h"

static void add_counts(Counts *sum, const Counts *more) {
  sum->records += more->records;
  sum->loaded += more->loaded;
  sum->rejected += more->rejected;
  sum->unreadable += more->unreadable;
  sum->filtered += more->filtered;
  sum->bytes += more->bytes;
  for (int kind = 0; kind < REPAIR_KINDS; kind++)
    sum->repairs[kind] += more->repairs[kind];
  lines_add(&sum->lines, &more->lines);
}

static bool block_failed(const Block *block) {
  bool failed = false;
  for (int kind = 0; kind < STREAM_KINDS; kind++)
    failed = failed || block->out[kind].failed;
  return failed || block->marks.failed || block->hashes.failed || block->repeats.failed;
}

enum { SENT_TOGETHER = 8, SENT_ALONE = 16 * 1024 };

// Blocks of small files are sent several at a time: waking a sender, and the server, for each costs
// more than the block.
static bool wakes_sender(const Engine *engine, const Block *block, int kind) {
  return engine->hurry || kind == STREAM_REJECTS || block->out[kind].len >= SENT_ALONE ||
         engine->outgoing[kind].count >= SENT_TOGETHER;
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
    if (wakes_sender(engine, block, kind))
      pthread_cond_signal(&engine->sender_turn[kind]);
  }
  if (block->pending == 0)
    memory_recycle(engine, block);
}

// Writes a block's rejects to their file, in memory of stdio for the most part. The lock is held.
bool block_write_rejects(Engine *engine, Block *block, Error *error) {
  const Buffer *out = &block->out[STREAM_REJECTS];
  if (!engine->options.reject_file || block->rows[STREAM_REJECTS] == 0)
    return true;
  block->rows[STREAM_REJECTS] = 0;
  if (fwrite(out->data, 1, out->len, engine->options.reject_file) == out->len)
    return true;
  return error_set_errno(error, errno, "could not write the rejects");
}

void block_encoded(Engine *engine, Block *block) {
  Error error;
  if (engine->keys)
    repeats_take(engine, block);
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
  memory_note(engine, block, 0);
  engine->expected = block->held;
  bool stops = block->counts.rejected > 0 || !engine->first_stop.set;
  if (!block_write_rejects(engine, block, &error) || !repeats_write(engine, block, &error))
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
