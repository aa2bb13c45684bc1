// The splitter thread: cuts the files in progress into blocks, the oldest first, and undoes wrong
// cuts.
#include "load/splitter.h"

#include "base/interrupt.h"
#include "load/memory.h"
#include "load/stop.h"

// A cut was wrong, and every block after it is out of the workers' hands.
static bool may_take_back(const Task *task) {
  return task->recut && task->ring_count == task->cut - task->checked;
}

static bool may_cut(const Task *task) {
  return !task->split && !task->recut && !task->cut_by_caller;
}

// The oldest file with something to do, NULL when there is none. The lock is held.
static Task *next_task(Engine *engine) {
  Task *next = NULL;
  bool wants_room = false;
  for (unsigned i = 0; i < engine->task_count && !next; i++) {
    Task *task = engine_task(engine, i);
    if (stop_is_in(engine, task))
      break;
    bool cuts = may_cut(task);
    if (may_take_back(task) || (cuts && memory_has_room(engine)))
      next = task;
    wants_room = wants_room || cuts;
  }
  engine_hurry(engine, wants_room && !next);
  return next;
}

// Collects the bytes after the last sure record end. The lock is held.
static void take_back(Engine *engine, Task *task) {
  for (uint64_t i = task->checked; i < task->cut; i++) {
    Block **slot = &task->ring[i % engine->block_count];
    buffer_put(&task->leftover, (*slot)->chunk.bytes.data, (*slot)->chunk.bytes.len);
    memory_recycle(engine, *slot);
    *slot = NULL;
  }
  task->ring_count = 0;
  task->cut = task->checked;
  task->split = false;
  task->recut = false;
}

// Gives them back to the source.
static bool unread(Engine *engine, Task *task) {
  Error error;
  if (!task->leftover.failed &&
      source_unread(task->file.source, task->leftover.data, task->leftover.len,
                    task->leftover_unfinished, task->leftover_position)) {
    buffer_clear(&task->leftover);
    buffer_trim(&task->leftover, 4 * CHUNK_TARGET);
    return true;
  }
  error_set(&error, "ENOMEM", "out of memory while reading");
  engine_fail(engine, &error);
  return false;
}

// The lock is held.
static void hand_out(Engine *engine, Task *task, Block *block) {
  block->task = task;
  block->dialect = *source_dialect(task->file.source);
  block->file_id = task->file.file_id;
  block->sequence = task->cut++;
  task->split = block->chunk.last;
  task->cut_by_caller = false;
  memory_note(engine, block, memory_to_come(engine, block));
  engine->expected = block->held;
  queue_push(&engine->cut, block);
  pthread_cond_signal(&engine->worker_turn);
}

static void reset(const Engine *engine, Block *block) {
  for (int kind = 0; kind < STREAM_KINDS; kind++) {
    buffer_clear(&block->out[kind]);
    block->rows[kind] = 0;
  }
  for (size_t i = 0; i < engine->options.rule_budget_count; i++)
    block->rule_rejects[i] = 0;
  buffer_clear(&block->marks);
  buffer_clear(&block->reject_marks);
  buffer_clear(&block->hashes);
  buffer_clear(&block->repeats);
  block->repeat_rows = 0;
  buffer_clear(&block->odd_cells);
  buffer_clear(&block->odd_texts);
  block->counts = (Counts){0};
  block->next = 0;
}

static void cut_block(Engine *engine, Task *task, Block *block) {
  Error error;
  reset(engine, block);
  SourceStatus status = source_next(task->file.source, CHUNK_TARGET, &block->chunk, &error);
  pthread_mutex_lock(&engine->lock);
  if (status == SOURCE_CHUNK) {
    hand_out(engine, task, block);
  } else {
    memory_recycle(engine, block);
    if (status == SOURCE_ERROR && !stop_is_in(engine, task))
      engine_fail_locked(engine, &error);
    task->split = true;
    task->cut_by_caller = false;
    stop_if_reached(engine);
    pthread_cond_signal(&engine->caller_turn);
  }
  pthread_mutex_unlock(&engine->lock);
}

Block *splitter_claim(Engine *engine, Task *task) {
  bool free = !engine->stop && !engine->closing && source_in_memory(task->file.source);
  for (unsigned i = 0; i < engine->task_count && free; i++) {
    const Task *other = engine_task(engine, i);
    free = !stop_is_in(engine, other) && (other == task || (other->split && !other->recut));
  }
  if (free && memory_has_room(engine)) {
    task->cut_by_caller = true;
    return queue_pop_newest(&engine->idle);
  }
  pthread_cond_signal(&engine->splitter_turn);
  return NULL;
}

void splitter_begin(Engine *engine, Task *task, Block *block) {
  cut_block(engine, task, block);
  pthread_mutex_lock(&engine->lock);
  if (!task->split)
    pthread_cond_signal(&engine->splitter_turn);
  pthread_mutex_unlock(&engine->lock);
}

void *splitter_main(void *arg) {
  Engine *engine = arg;
  interrupt_flag = &engine->stop;
  for (;;) {
    Task *task = NULL;
    pthread_mutex_lock(&engine->lock);
    while (!engine->stop && !engine->closing && !(task = next_task(engine)))
      pthread_cond_wait(&engine->splitter_turn, &engine->lock);
    bool leave = engine->stop || engine->closing;
    bool back = !leave && task->recut;
    Block *block = NULL;
    if (back)
      take_back(engine, task);
    else if (!leave)
      block = queue_pop_newest(&engine->idle);
    pthread_mutex_unlock(&engine->lock);
    if (leave || (back && !unread(engine, task)))
      return NULL;
    if (block)
      cut_block(engine, task, block);
  }
}
