// The sender threads: one per COPY stream; streams of one kind share a queue.
#include "load/internal.h"
#include "pg/copy.h"

static Block *take(Stream *stream) {
  Engine *engine = stream->engine;
  Queue *queue = &engine->outgoing[stream->kind];
  pthread_mutex_lock(&engine->lock);
  while (!engine->stop && !engine->closing && queue->count == 0)
    pthread_cond_wait(&engine->sender_turn[stream->kind], &engine->lock);
  Block *block = engine->stop ? NULL : queue_pop(queue);
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
    bool sent = copy_send(stream->conn, out->data, out->len, &engine->stop, &error);
    give_back(engine, block);
    if (!sent) {
      stream->open = false;
      engine_fail(engine, &error);
      return NULL;
    }
  }
  return NULL;
}
