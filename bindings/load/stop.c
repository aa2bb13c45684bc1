// Ending a load at the first record that ends it.
#include "load/stop.h"

#include "load/memory.h"

static bool is_before(const Stop *stop, uint64_t serial, uint64_t sequence) {
  return stop->set &&
         (stop->serial < serial || (stop->serial == serial && stop->sequence < sequence));
}

bool stop_is_before(const Engine *engine, const Block *block) {
  return is_before(&engine->first_stop, block->task->serial, block->sequence);
}

bool stop_is_in(const Engine *engine, const Task *task) {
  return engine->first_stop.set && engine->first_stop.serial <= task->serial;
}

// Blocks that wait for those before them: some of these may have been dropped.
static void empty_ring(Engine *engine, Task *task) {
  for (size_t i = 0; i < engine->block_count; i++) {
    Block *block = task->ring[i];
    if (!block || !stop_is_before(engine, block))
      continue;
    task->ring[i] = NULL;
    task->ring_count--;
    memory_recycle(engine, block);
  }
}

void stop_at(Engine *engine, const Block *block, const Error *error) {
  uint64_t serial = block->task->serial;
  if (is_before(&engine->first_stop, serial, block->sequence))
    return;
  engine->first_stop = (Stop){true, serial, block->sequence, *error};
  for (unsigned i = 0; i < engine->task_count; i++)
    if (stop_is_in(engine, engine_task(engine, i)))
      empty_ring(engine, engine_task(engine, i));
}

// Files before the one it ends in must be done; in that one no block before the end may be left.
static bool is_reached(Engine *engine) {
  const Stop *stop = &engine->first_stop;
  for (unsigned i = 0; i < engine->task_count; i++) {
    const Task *task = engine_task(engine, i);
    if (task->serial < stop->serial && !task_done(task))
      return false;
  }
  for (size_t i = 0; i < engine->block_count; i++) {
    const Block *block = &engine->blocks[i];
    if (block->task && block->task->serial == stop->serial && block->sequence <= stop->sequence)
      return false;
  }
  return true;
}

void stop_if_reached(Engine *engine) {
  if (engine->first_stop.set && !engine->failed && is_reached(engine))
    engine_fail_locked(engine, &engine->first_stop.error);
}

Block *stop_take(Engine *engine, Queue *queue) {
  Block *block = queue_pop(queue);
  while (block && stop_is_before(engine, block)) {
    memory_recycle(engine, block);
    block = queue_pop(queue);
  }
  return block;
}
