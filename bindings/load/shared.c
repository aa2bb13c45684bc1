// What every file of the load engine needs: failing, waiting, recycling.
#include "load/shared.h"

#include <string.h>

void engine_wake(Engine *engine) {
  pthread_cond_broadcast(&engine->splitter_turn);
  pthread_cond_broadcast(&engine->worker_turn);
  pthread_cond_broadcast(&engine->caller_turn);
  for (int kind = 0; kind < STREAM_KINDS; kind++)
    pthread_cond_broadcast(&engine->sender_turn[kind]);
}

void engine_hurry(Engine *engine, bool hurry) {
  for (int kind = 0; kind < STREAM_KINDS && hurry && !engine->hurry; kind++)
    if (engine->outgoing[kind].count > 0)
      pthread_cond_broadcast(&engine->sender_turn[kind]);
  engine->hurry = hurry;
}

void engine_fail_locked(Engine *engine, const Error *error) {
  if (!engine->failed)
    engine->error = *error;
  engine->failed = true;
  engine->stop = 1;
  if (strcmp(engine->error.code, "budget") != 0)
    engine->stop_rejects = 1;
  engine_wake(engine);
}

void engine_fail(Engine *engine, const Error *error) {
  pthread_mutex_lock(&engine->lock);
  engine_fail_locked(engine, error);
  pthread_mutex_unlock(&engine->lock);
}

struct timespec engine_deadline(int timeout_ms) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  at.tv_sec += timeout_ms / 1000;
  at.tv_nsec += (long)(timeout_ms % 1000) * 1000000L;
  if (at.tv_nsec >= 1000000000L) {
    at.tv_nsec -= 1000000000L;
    at.tv_sec++;
  }
  return at;
}

Task *engine_task(Engine *engine, unsigned i) {
  return &engine->tasks[(engine->task_first + i) % engine->options.files];
}

bool task_done(const Task *task) {
  return task->split && !task->recut && task->encoded == task->cut;
}
