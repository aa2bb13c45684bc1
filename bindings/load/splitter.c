// The splitter thread: cuts the current file into blocks, and takes cuts back that were wrong.
#include "load/internal.h"

static bool may_cut(const Engine *engine) {
  return engine->task_active && !engine->task.split && !engine->recut && engine->idle.count > 0;
}

// A cut was wrong, and every block behind it is out of the workers' hands.
static bool may_take_back(const Engine *engine) {
  return engine->recut && engine->ring_count == engine->task.cut - engine->task.checked;
}

// Gives the bytes behind the last sure record end back to the source. The lock is held.
static void take_back(Engine *engine) {
  for (uint64_t i = engine->task.checked; i < engine->task.cut; i++) {
    Block **slot = &engine->ring[i % engine->block_count];
    buffer_put(&engine->leftover, (*slot)->chunk.bytes.data, (*slot)->chunk.bytes.len);
    engine_recycle(engine, *slot);
    *slot = NULL;
  }
  engine->ring_count = 0;
  engine->task.cut = engine->task.checked;
  engine->task.split = false;
  engine->recut = false;
}

static bool unread(Engine *engine) {
  Error error;
  if (!engine->leftover.failed &&
      source_unread(engine->task.file.source, engine->leftover.data, engine->leftover.len,
                    engine->leftover_unfinished, engine->leftover_position))
    return true;
  error_set(&error, "ENOMEM", "out of memory while reading");
  engine_fail(engine, &error);
  return false;
}

// The lock is held.
static void hand_out(Engine *engine, Block *block) {
  block->sequence = engine->task.cut++;
  engine->task.split = block->chunk.last;
  queue_push(&engine->cut, block);
  pthread_cond_signal(&engine->worker_turn);
}

static void reset(Block *block) {
  for (int kind = 0; kind < STREAM_KINDS; kind++) {
    buffer_clear(&block->out[kind]);
    block->rows[kind] = 0;
  }
  block->counts = (Counts){0};
  block->next = 0;
}

static void cut_block(Engine *engine, Block *block) {
  Error error;
  reset(block);
  SourceStatus status = source_next(engine->task.file.source, CHUNK_TARGET, &block->chunk, &error);
  if (status == SOURCE_ERROR)
    engine_fail(engine, &error);
  pthread_mutex_lock(&engine->lock);
  if (status == SOURCE_CHUNK) {
    hand_out(engine, block);
  } else {
    engine_recycle(engine, block);
    engine->task.split = true;
    pthread_cond_signal(&engine->caller_turn);
  }
  pthread_mutex_unlock(&engine->lock);
}

void *splitter_main(void *arg) {
  Engine *engine = arg;
  for (;;) {
    pthread_mutex_lock(&engine->lock);
    while (!engine->stop && !engine->closing && !may_cut(engine) && !may_take_back(engine))
      pthread_cond_wait(&engine->splitter_turn, &engine->lock);
    bool leave = engine->stop || engine->closing;
    bool back = !leave && may_take_back(engine);
    Block *block = NULL;
    if (back)
      take_back(engine);
    else if (!leave)
      block = queue_pop(&engine->idle);
    pthread_mutex_unlock(&engine->lock);
    if (leave || (back && !unread(engine)))
      return NULL;
    if (block)
      cut_block(engine, block);
  }
}
