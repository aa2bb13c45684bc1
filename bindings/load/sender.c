// The sender threads: one per COPY stream; streams of one kind share a queue.
#include "load/internal.h"
#include "pg/copy.h"

static const atomic_int *stop_of(const Stream *stream) {
  Engine *engine = stream->engine;
  return stream->kind == STREAM_REJECTS ? &engine->stop_rejects : &engine->stop;
}

static Block *take(Stream *stream) {
  Engine *engine = stream->engine;
  const atomic_int *stop = stop_of(stream);
  Queue *queue = &engine->outgoing[stream->kind];
  pthread_mutex_lock(&engine->lock);
  while (!*stop && !engine->closing && queue->count == 0)
    pthread_cond_wait(&engine->sender_turn[stream->kind], &engine->lock);
  Block *block = *stop ? NULL : queue_pop(queue);
  pthread_mutex_unlock(&engine->lock);
  return block;
}

static void give_back(Engine *engine, Block *block) {
  pthread_mutex_lock(&engine->lock);
  if (--block->pending == 0)
    engine_recycle(engine, block);
  pthread_mutex_unlock(&engine->lock);
}

void *sender_main(void *arg) {
  Stream *stream = arg;
  Engine *engine = stream->engine;
  for (Block *block = take(stream); block; block = take(stream)) {
    Error error;
    const Buffer *out = &block->out[stream->kind];
    bool sent = copy_send(stream->conn, out->data, out->len, stop_of(stream), &error);
    give_back(engine, block);
    if (!sent) {
      stream->open = false;
      engine_fail(engine, &error);
      return NULL;
    }
  }
  return NULL;
}
