// The engine's life: its threads and memory, the caller's wait, the end.
#include "load/engine.h"
#include "load/careful.h"
#include "load/keys.h"
#include "load/odd.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/interrupt.h"
#include "load/splitter.h"
#include "load/stop.h"
#include "load/streams.h"
#include "load/tasks.h"
#include "load/worker.h"

enum { BLOCKS_PER_WORKER = 3, BLOCKS_PER_STREAM = 8, SPARE_BLOCKS = 2 };

static void init_conditions(Engine *engine) {
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&engine->splitter_turn, NULL);
  pthread_cond_init(&engine->worker_turn, NULL);
  pthread_cond_init(&engine->caller_turn, &monotonic);
  for (int kind = 0; kind < STREAM_KINDS; kind++)
    pthread_cond_init(&engine->sender_turn[kind], &monotonic);
  pthread_condattr_destroy(&monotonic);
}

Engine *engine_new(const EngineOptions *options, Error *error) {
  Engine *engine = calloc(1, sizeof *engine);
  if (!engine) {
    error_set(error, "ENOMEM", "out of memory");
    return NULL;
  }
  engine->options = *options;
  pthread_mutex_init(&engine->lock, NULL);
  pthread_mutex_init(&engine->asker_lock, NULL);
  init_conditions(engine);
  return engine;
}

// Three quarters of the bound for blocks are theirs, too.
static bool make_keys(Engine *engine) {
  const EngineOptions *options = &engine->options;
  if (!options->key)
    return true;
  engine->keys = keys_new(options->key, options->key_count, options->memory / 4 * 3);
  return engine->keys != NULL;
}

static bool make_queues(Engine *engine, size_t blocks) {
  bool ok = queue_init(&engine->idle, blocks) && queue_init(&engine->cut, blocks) &&
            queue_init(&engine->checked, blocks) && queue_init(&engine->lua, blocks);
  for (int kind = 0; kind < STREAM_KINDS; kind++)
    ok = ok && queue_init(&engine->outgoing[kind], blocks);
  return ok;
}

static bool make_blocks(Engine *engine) {
  size_t count = engine->options.workers * BLOCKS_PER_WORKER +
                 engine->stream_count * BLOCKS_PER_STREAM + SPARE_BLOCKS +
                 (engine->options.careful ? CAREFUL_BLOCKS : 0);
  engine->blocks = calloc(count, sizeof(Block));
  if (!engine->blocks || !make_queues(engine, count))
    return false;
  engine->block_count = count;
  size_t rules = engine->options.rule_budget_count;
  engine->rule_rejects = calloc(rules + 1, sizeof *engine->rule_rejects);
  size_t columns = engine->options.program ? program_column_count(engine->options.program) : 0;
  engine->odd_columns = calloc(columns + 1, sizeof *engine->odd_columns);
  bool ok = engine->rule_rejects && engine->odd_columns;
  for (size_t i = 0; ok && i < count; i++) {
    Block *block = &engine->blocks[i];
    block->rule_rejects = calloc(rules + 1, sizeof *block->rule_rejects);
    ok = block->rule_rejects != NULL;
    queue_push(&engine->idle, block);
  }
  return ok;
}

// Without memory for a profile the load continues without one.
static Profile *start_profile(Profile *whole) {
  Profile *part = whole ? profile_new(whole->program) : NULL;
  if (whole && !part)
    whole->failed = true;
  return part;
}

static Profiles start_profiles(const Engine *engine) {
  return (Profiles){start_profile(engine->options.profile),
                    start_profile(engine->options.raw_profile)};
}

static bool start_workers(Engine *engine) {
  for (unsigned i = 0; i < engine->options.workers; i++) {
    Worker *worker = &engine->workers[i];
    worker->engine = engine;
    worker->profiles = start_profiles(engine);
    if (engine->options.program) {
      worker->scratch = scratch_new(engine->options.program);
      if (!worker->scratch)
        return false;
    }
    if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0)
      return false;
    engine->worker_count++;
  }
  return true;
}

static bool start_threads(Engine *engine) {
  if (pthread_create(&engine->splitter, NULL, splitter_main, engine) != 0)
    return false;
  engine->splitter_started = true;
  for (unsigned i = 0; i < engine->stream_count; i++) {
    Stream *stream = &engine->streams[i];
    if (pthread_create(&stream->thread, NULL, sender_main, stream) != 0)
      return false;
    stream->started = true;
  }
  return start_workers(engine);
}

// Signals are for the calling thread: it is the one that can act on them.
static bool start(Engine *engine, Error *error) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  if (engine->options.program)
    engine->caller_scratch = scratch_new(engine->options.program);
  if (engine->options.lua_rules)
    engine->caller_profiles = start_profiles(engine);
  bool ok = make_keys(engine) && make_blocks(engine) &&
            (engine->caller_scratch || !engine->options.program) && start_threads(engine);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  engine->threads_started = true;
  return ok ||
         error_set(error, "ENOMEM",
                   "could not start the threads of the load: out of memory, or too many threads");
}

bool engine_has_room(const Engine *engine) {
  return engine->task_count < engine->options.files;
}

bool engine_add_stream(Engine *engine, StreamKind kind, PGconn *conn, const char *copy,
                       Error *error) {
  if (engine->stream_count == MAX_STREAMS)
    return error_set(error, "usage", "more than %d streams", (int)MAX_STREAMS);
  Stream *stream = &engine->streams[engine->stream_count];
  *stream = (Stream){.engine = engine, .kind = kind, .conn = conn};
  if (!stream_begin(stream, copy, error))
    return false;
  engine->stream_count++;
  engine->kinds[kind]++;
  return true;
}

bool engine_start_file(Engine *engine, const FileTask *file, Error *error) {
  assert(engine_has_room(engine));
  if (!engine->threads_started && !start(engine, error))
    return false;
  return task_start(engine, file, error);
}

static void fail_if_interrupted(Engine *engine) {
  Error error;
  if (!interrupt_signal)
    return;
  error_set(&error, "interrupted", "interrupted");
  engine_fail(engine, &error);
}

// Whether the oldest file is done. The lock is held.
static bool oldest_done(Engine *engine) {
  return engine->task_count > 0 && task_done(engine_task(engine, 0)) &&
         !stop_is_in(engine, engine_task(engine, 0));
}

// What there is to tell the caller. The lock is held.
static WaitStatus wait_status(Engine *engine, Block **block, Counts *file, Error *error) {
  if (engine->failed) {
    *error = engine->error;
    return WAIT_FAILED;
  }
  *block = stop_take(engine, &engine->lua);
  if (*block)
    return WAIT_BLOCK;
  if (!oldest_done(engine))
    return WAIT_TIMEOUT;
  return task_take(engine, file, error) ? WAIT_DONE : WAIT_FAILED;
}

WaitStatus engine_wait(Engine *engine, int timeout_ms, Block **block, Counts *file, Error *error) {
  struct timespec until = engine_deadline(timeout_ms);
  bool timed_out = false;
  fail_if_interrupted(engine);
  pthread_mutex_lock(&engine->lock);
  while (!engine->failed && engine->lua.count == 0 && !oldest_done(engine) && !timed_out)
    timed_out = pthread_cond_timedwait(&engine->caller_turn, &engine->lock, &until) != 0;
  WaitStatus status = wait_status(engine, block, file, error);
  pthread_mutex_unlock(&engine->lock);
  return status;
}

void engine_counts(Engine *engine, Counts *total) {
  pthread_mutex_lock(&engine->lock);
  *total = engine->total;
  total->input_bytes = tasks_input_bytes(engine);
  pthread_mutex_unlock(&engine->lock);
}

// Waits until every block is sent.
static bool wait_sent(Engine *engine, Error *error) {
  bool failed = false, sent = engine->block_count == 0;
  while (!failed && !sent) {
    struct timespec until = engine_deadline(100);
    fail_if_interrupted(engine);
    pthread_mutex_lock(&engine->lock);
    engine_hurry(engine, true);
    if (!engine->failed && engine->idle.count < engine->block_count)
      pthread_cond_timedwait(&engine->caller_turn, &engine->lock, &until);
    failed = engine->failed;
    sent = engine->idle.count == engine->block_count;
    if (failed)
      *error = engine->error;
    pthread_mutex_unlock(&engine->lock);
  }
  return !failed;
}

static void join_threads(Engine *engine) {
  pthread_mutex_lock(&engine->lock);
  engine->closing = true;
  engine_wake(engine);
  pthread_mutex_unlock(&engine->lock);
  if (engine->splitter_started)
    pthread_join(engine->splitter, NULL);
  for (unsigned i = 0; i < engine->worker_count; i++)
    pthread_join(engine->workers[i].thread, NULL);
  for (unsigned i = 0; i < engine->stream_count; i++) {
    if (engine->streams[i].started)
      pthread_join(engine->streams[i].thread, NULL);
    engine->streams[i].started = false;
  }
  engine->splitter_started = false;
  engine->worker_count = 0;
}

// The threads have ended.
static void take_profiles(const Engine *engine, Profiles *part) {
  if (part->clean)
    profile_take(engine->options.profile, part->clean);
  if (part->raw)
    profile_take(engine->options.raw_profile, part->raw);
}

static void merge_profiles(Engine *engine) {
  for (unsigned i = 0; i < engine->options.workers; i++)
    take_profiles(engine, &engine->workers[i].profiles);
  take_profiles(engine, &engine->caller_profiles);
}

bool engine_finish(Engine *engine, uint64_t rows[STREAM_KINDS], Error *error) {
  if (!wait_sent(engine, error))
    return false;
  join_threads(engine);
  if (engine->failed) { // a sender has found out while it had nothing to send
    *error = engine->error;
    return false;
  }
  if (engine->options.reject_file && fflush(engine->options.reject_file) != 0)
    return error_set_errno(error, errno, "could not write the rejects");
  if (engine->options.repeats && fflush(engine->options.repeats) != 0)
    return error_set_errno(error, errno, "could not write the records whose key came before");
  merge_profiles(engine);
  memset(rows, 0, STREAM_KINDS * sizeof *rows);
  for (unsigned i = 0; i < engine->stream_count; i++) {
    if (!stream_end(&engine->streams[i], error))
      return false;
    rows[engine->streams[i].kind] += engine->streams[i].rows;
  }
  return streams_check_rows(engine, rows, error);
}

static void merge_sample(RuleCount *sum, const CellSample *sample) {
  for (size_t i = 0; i < sum->sample_count; i++)
    if (strcmp(sum->samples[i].before, sample->before) == 0)
      return;
  if (sum->sample_count < CELL_SAMPLES)
    sum->samples[sum->sample_count++] = *sample;
}

static void merge_count(RuleCount *sum, const RuleCount *more) {
  sum->count += more->count;
  for (size_t i = 0; i < more->sample_count; i++)
    merge_sample(sum, &more->samples[i]);
}

void engine_rule_count(Engine *engine, size_t i, RuleCount *out) {
  const Program *program = engine->options.program;
  *out = (RuleCount){0};
  if (!engine->caller_scratch)
    return;
  scratch_count(program, engine->caller_scratch, i, out);
  for (unsigned w = 0; w < engine->options.workers; w++) {
    RuleCount more;
    scratch_count(program, engine->workers[w].scratch, i, &more);
    merge_count(out, &more);
  }
}

bool engine_odd_values(const Engine *engine, size_t column, OddValues *out) {
  const OddColumn *odd = engine->odd_columns ? &engine->odd_columns[column] : NULL;
  if (!odd || odd->count == 0)
    return false;
  *out = (OddValues){odd->count, odd->file_id, odd->line, odd->text};
  return true;
}

const int64_t *engine_refused(const Engine *engine, size_t *count) {
  *count = engine->refused.len / sizeof(int64_t);
  return (const int64_t *)(const void *)engine->refused.data;
}

uint64_t engine_repeats(const Engine *engine, bool *complete) {
  *complete = engine->keys && keys_complete(engine->keys);
  return engine->repeat_rows;
}

static void free_queues(Engine *engine) {
  queue_free(&engine->idle);
  queue_free(&engine->cut);
  queue_free(&engine->checked);
  queue_free(&engine->lua);
  for (int kind = 0; kind < STREAM_KINDS; kind++)
    queue_free(&engine->outgoing[kind]);
}

static void free_block(Block *block) {
  free(block->rule_rejects);
  buffer_free(&block->marks);
  buffer_free(&block->reject_marks);
  buffer_free(&block->odd_cells);
  buffer_free(&block->odd_texts);
  buffer_free(&block->completed);
  buffer_free(&block->original);
  buffer_free(&block->hashes);
  buffer_free(&block->repeats);
  buffer_free(&block->chunk.bytes);
  batch_free(&block->batch);
  for (int kind = 0; kind < STREAM_KINDS; kind++)
    buffer_free(&block->out[kind]);
}

static void free_profiles(Profiles *profiles) {
  profile_free(profiles->clean);
  profile_free(profiles->raw);
}

static void free_memory(Engine *engine) {
  for (size_t i = 0; i < engine->block_count; i++)
    free_block(&engine->blocks[i]);
  for (unsigned i = 0; i < engine->options.workers; i++) {
    reader_free(engine->workers[i].reader);
    scratch_free(engine->workers[i].scratch);
    free_profiles(&engine->workers[i].profiles);
  }
  scratch_free(engine->caller_scratch);
  free_profiles(&engine->caller_profiles);
  free_queues(engine);
  tasks_free(engine);
  free(engine->blocks);
  free(engine->rule_rejects);
  free(engine->odd_columns);
  buffer_free(&engine->refused);
  keys_free(engine->keys);
  asker_free(engine->options.asker);
}

static bool keeps_rejects(const Engine *engine) {
  return engine->failed && strcmp(engine->error.code, "budget") == 0;
}

void engine_free(Engine *engine) {
  if (!engine)
    return;
  engine->stop = 1;
  if (!keeps_rejects(engine))
    engine->stop_rejects = 1;
  join_threads(engine);
  for (unsigned i = 0; i < engine->stream_count; i++)
    stream_close(&engine->streams[i], keeps_rejects(engine));
  free_memory(engine);
  if (engine->options.reject_file)
    fclose(engine->options.reject_file);
  if (engine->options.repeats)
    fclose(engine->options.repeats);
  pthread_mutex_destroy(&engine->lock);
  pthread_mutex_destroy(&engine->asker_lock);
  pthread_cond_destroy(&engine->splitter_turn);
  pthread_cond_destroy(&engine->worker_turn);
  pthread_cond_destroy(&engine->caller_turn);
  for (int kind = 0; kind < STREAM_KINDS; kind++)
    pthread_cond_destroy(&engine->sender_turn[kind]);
  free(engine);
}
