// See memory.h. The buffers of idle blocks are kept, to be used again, as long as there is room.
#include "load/memory.h"

#include <stdlib.h>

#include "load/keys.h"

static size_t held_by(const Block *block) {
  const Batch *batch = &block->batch;
  size_t held = block->chunk.bytes.cap + batch->text.cap + batch->decoded.cap +
                batch->record_cap * sizeof(Record) + batch->field_cap * sizeof(Field) +
                block->marks.cap + block->reject_marks.cap + block->odd_cells.cap +
                block->odd_texts.cap + block->completed.cap + block->original.cap +
                block->hashes.cap + block->repeats.cap;
  for (int kind = 0; kind < STREAM_KINDS; kind++)
    held += block->out[kind].cap;
  return held;
}

void memory_note(Engine *engine, Block *block, size_t coming) {
  engine->held -= block->held;
  block->held = held_by(block) + coming;
  engine->held += block->held;
}

void memory_recycle(Engine *engine, Block *block) {
  block->task = NULL;
  memory_note(engine, block, 0);
  queue_push(&engine->idle, block);
  if (engine->hurry) // the splitter may wait for it
    pthread_cond_signal(&engine->splitter_turn);
  if (engine->idle.count == engine->block_count)
    pthread_cond_signal(&engine->caller_turn);
}

size_t memory_to_come(const Engine *engine, const Block *block) {
  size_t streams = 0;
  for (int kind = 0; kind < STREAM_KINDS; kind++)
    streams += engine->kinds[kind] > 0;
  size_t most = streams * block->chunk.bytes.len, made = 0;
  for (int kind = 0; kind < STREAM_KINDS; kind++)
    made += block->out[kind].cap;
  return most > made ? most - made : 0;
}

static void let_go(Engine *engine, Block *block) {
  buffer_free(&block->chunk.bytes);
  batch_free(&block->batch);
  Buffer *const buffers[] = {&block->marks,     &block->reject_marks, &block->odd_cells,
                             &block->odd_texts, &block->completed,    &block->original,
                             &block->hashes,    &block->repeats};
  for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
    buffer_free(buffers[i]);
  for (int kind = 0; kind < STREAM_KINDS; kind++)
    buffer_free(&block->out[kind]);
  memory_note(engine, block, 0);
}

// With the block that is used next, which grows as the last one has.
static bool fits(const Engine *engine) {
  const Block *next = queue_newest(&engine->idle);
  size_t more = engine->expected > next->held ? engine->expected - next->held : 0;
  size_t keys = engine->keys ? keys_held(engine->keys) : 0;
  return engine->held + keys + more <= engine->options.memory;
}

bool memory_has_room(Engine *engine) {
  size_t idle = engine->idle.count;
  if (idle == 0)
    return false;
  for (size_t i = 0; i < idle && !fits(engine); i++)
    let_go(engine, queue_at(&engine->idle, i));
  return idle == engine->block_count || fits(engine);
}
