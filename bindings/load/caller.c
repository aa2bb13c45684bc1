// The caller's side of blocks whose records go to rules written in Lua.
#include "load/blocks.h"
#include "load/engine.h"
#include "load/records.h"
#include "load/stop.h"

bool engine_block_next(Engine *engine, Block *block, Scratch **scratch) {
  *scratch = engine->caller_scratch;
  block->profiles = engine->caller_profiles;
  for (; block->next < block->batch.record_count; block->next++) {
    Verdict verdict = record_judge(engine, block, block->next, *scratch);
    if (verdict == VERDICT_PASS)
      return true;
    record_settle(engine, block, block->next, *scratch, verdict);
  }
  return false;
}

void engine_block_verdict(Engine *engine, Block *block, Verdict verdict) {
  record_settle(engine, block, block->next++, engine->caller_scratch, verdict);
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
  block_encoded(engine, block);
}

void engine_block_done(Engine *engine, Block *block) {
  block_encoded(engine, block);
}
