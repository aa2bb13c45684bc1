// The COPY streams: begun, fed by a thread each, ended. Streams of one kind share a queue.
#include "load/streams.h"

#include <errno.h>

#include "load/careful.h"
#include "load/memory.h"
#include "load/places.h"
#include "pg/copy.h"

enum { LOOK_MS = 500 }; // how often a sender with nothing to send looks at its connection

static bool is_text(const Stream *stream) {
  return stream->kind == STREAM_CLEAN && stream->engine->options.clean_text;
}

static bool is_careful(const Stream *stream) {
  return stream->kind == STREAM_CLEAN && stream->engine->options.careful;
}

bool stream_begin(Stream *stream, const char *copy, Error *error) {
  places_of_table(stream, copy);
  if (is_careful(stream)) // a COPY is begun for each part
    return true;
  if (!copy_begin(stream->conn, copy, error))
    return false;
  Buffer header = {0};
  bool good = true;
  if (!is_text(stream)) {
    copy_put_header(&header);
    good = copy_send(stream->conn, header.data, header.len, NULL, error);
  }
  buffer_free(&header);
  if (!good)
    conn_drain(stream->conn);
  stream->open = good;
  return good;
}

static const atomic_int *stop_of(const Stream *stream) {
  Engine *engine = stream->engine;
  return stream->kind == STREAM_REJECTS ? &engine->stop_rejects : &engine->stop;
}

// The next block to send. NULL: no more, or with *idle none for now.
static Block *take(Stream *stream, bool *idle) {
  Engine *engine = stream->engine;
  const atomic_int *stop = stop_of(stream);
  Queue *queue = &engine->outgoing[stream->kind];
  struct timespec until = engine_deadline(LOOK_MS);
  int waited = 0;
  pthread_mutex_lock(&engine->lock);
  while (!*stop && !engine->closing && queue->count == 0 && waited != ETIMEDOUT)
    waited = pthread_cond_timedwait(&engine->sender_turn[stream->kind], &engine->lock, &until);
  Block *block = *stop ? NULL : queue_pop(queue);
  *idle = !block && !*stop && !engine->closing;
  pthread_mutex_unlock(&engine->lock);
  return block;
}

static void give_back(Engine *engine, Block *block) {
  pthread_mutex_lock(&engine->lock);
  if (--block->pending == 0)
    memory_recycle(engine, block);
  pthread_mutex_unlock(&engine->lock);
}

static bool send_block(Stream *stream, Block *block, Error *error) {
  if (stream->kind == STREAM_CLEAN && stream->engine->options.tell_lines)
    places_note(stream, block);
  const Buffer *out = &block->out[stream->kind];
  bool sent = copy_send(stream->conn, out->data, out->len, stop_of(stream), error);
  give_back(stream->engine, block);
  return sent;
}

// As many blocks as there are, up to those that can be kept.
static bool send_carefully(Stream *stream, Error *error) {
  Engine *engine = stream->engine;
  Block *blocks[CAREFUL_BLOCKS];
  bool idle = true, good = true;
  while (good && idle) {
    size_t count = 0;
    Block *block = take(stream, &idle);
    while (block) {
      blocks[count++] = block;
      pthread_mutex_lock(&engine->lock);
      block = count < CAREFUL_BLOCKS ? queue_pop(&engine->outgoing[stream->kind]) : NULL;
      pthread_mutex_unlock(&engine->lock);
      idle = true;
    }
    good = count == 0 || careful_send(stream, blocks, count, error);
    for (size_t i = 0; i < count; i++)
      give_back(engine, blocks[i]);
  }
  return good;
}

void *sender_main(void *arg) {
  Stream *stream = arg;
  Error error;
  bool good = true, idle = false;
  if (is_careful(stream)) {
    if (!send_carefully(stream, &error))
      engine_fail(stream->engine, &error);
    return NULL;
  }
  Block *block = take(stream, &idle);
  while (good && (block || idle)) {
    good = block ? send_block(stream, block, &error)
                 : copy_look(stream->conn, stop_of(stream), &error);
    block = good ? take(stream, &idle) : NULL;
  }
  if (!good) {
    stream->open = false;
    places_tell(stream, &error);
    engine_fail(stream->engine, &error);
  }
  return NULL;
}

static bool send_trailer(Stream *stream, Error *error) {
  if (is_text(stream))
    return true;
  Buffer trailer = {0};
  copy_put_trailer(&trailer);
  bool ok = copy_send(stream->conn, trailer.data, trailer.len, NULL, error);
  buffer_free(&trailer);
  return ok;
}

bool stream_end(Stream *stream, Error *error) {
  if (is_careful(stream))
    return true;
  bool ok = send_trailer(stream, error);
  stream->open = false;
  ok = ok && copy_end(stream->conn, NULL, &stream->rows, error);
  if (!ok)
    places_tell(stream, error);
  return ok;
}

bool streams_check_rows(const Engine *engine, const uint64_t rows[STREAM_KINDS], Error *error) {
  static const char *const names[STREAM_KINDS] = {"raw", "clean", "rejects"};
  for (int kind = 0; kind < STREAM_KINDS; kind++)
    if (rows[kind] != engine->sent_rows[kind] &&
        !(kind == STREAM_CLEAN && engine->options.may_drop))
      return error_set(error, "conservation", "sent %llu %s rows but the server counted %llu",
                       (unsigned long long)engine->sent_rows[kind], names[kind],
                       (unsigned long long)rows[kind]);
  return true;
}

void stream_close(Stream *stream, bool keep_rejects) {
  Error error;
  places_free(stream);
  if (stream->open && stream->kind == STREAM_REJECTS && keep_rejects)
    stream_end(stream, &error);
  else if (stream->open)
    copy_abort(stream->conn, "load aborted");
}
