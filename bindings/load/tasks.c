// The files in progress: started one after the other, returned in that order.
#include "load/tasks.h"

#include <stdlib.h>

#include "load/splitter.h"

uint64_t task_input_bytes(const Task *task) {
  return source_in_file(task->file.source, task->counts.bytes);
}

uint64_t task_start_bytes(const Task *task) {
  return source_in_file(task->file.source, task->start);
}

uint64_t tasks_input_bytes(Engine *engine) {
  uint64_t bytes = engine->total.input_bytes;
  for (unsigned i = 0; i < engine->task_count; i++)
    bytes += task_input_bytes(engine_task(engine, i));
  return bytes;
}

uint64_t tasks_start_bytes(Engine *engine) {
  uint64_t bytes = engine->start_bytes;
  for (unsigned i = 0; i < engine->task_count; i++)
    bytes += task_start_bytes(engine_task(engine, i));
  return bytes;
}

static bool copy_map(uint32_t **to, const uint32_t *map, size_t count) {
  uint32_t *copy = realloc(*to, (count ? count : 1) * sizeof *copy);
  if (!copy)
    return false;
  if (count > 0)
    memcpy(copy, map, count * sizeof *copy);
  *to = copy;
  return true;
}

static bool has_ring(Task *task, size_t blocks) {
  if (!task->ring)
    task->ring = calloc(blocks, sizeof(Block *));
  return task->ring != NULL;
}

// Makes the slot ready for a file; its memory is used again.
static bool prepare(Engine *engine, Task *task, const FileTask *file) {
  const Program *program = engine->options.program;
  task->file = *file;
  task->serial = ++engine->task_serial;
  task->profile_file = profile_file(file->name);
  task->split = task->recut = task->cut_by_caller = false;
  task->cut = task->checked = task->encoded = 0;
  // What the source has read before the first record: byte order mark and header.
  task->start = source_consumed(file->source);
  task->counts = (Counts){.bytes = task->start, .lines = source_opening_lines(file->source)};
  task->counts.repairs[REPAIR_QUOTE] = source_header_mended(file->source);
  return has_ring(task, engine->block_count) &&
         copy_map(&task->raw_map, file->raw_map, file->raw_count) &&
         copy_map(&task->clean_map, file->clean_map, program ? program_column_count(program) : 0);
}

bool task_start(Engine *engine, const FileTask *file, Error *error) {
  Task *task = engine_task(engine, engine->task_count); // nobody looks at it yet
  if (!prepare(engine, task, file))
    return error_set(error, "ENOMEM", "out of memory");
  pthread_mutex_lock(&engine->lock);
  engine->task_count++;
  engine->total.bytes += task->counts.bytes;
  engine->total.repairs[REPAIR_QUOTE] += task->counts.repairs[REPAIR_QUOTE];
  lines_add(&engine->total.lines, &task->counts.lines);
  Block *block = splitter_claim(engine, task);
  pthread_mutex_unlock(&engine->lock);
  if (block)
    splitter_begin(engine, task, block);
  return true;
}

// The conservation law, for one file that is done.
static bool check_counts(const Task *task, Error *error) {
  const Counts *counts = &task->counts;
  uint64_t bytes = source_to_consume(task->file.source);
  if (counts->bytes != bytes)
    return error_set(error, "conservation", "%s: read %llu bytes but records hold %llu",
                     task->file.name, (unsigned long long)bytes, (unsigned long long)counts->bytes);
  uint64_t lines = lines_total(&counts->lines), all = source_lines(task->file.source);
  if (lines != all)
    return error_set(error, "conservation", "%s: read %llu lines but %llu are accounted for",
                     task->file.name, (unsigned long long)all, (unsigned long long)lines);
  if (counts->records != counts->loaded + counts->rejected + counts->filtered)
    return error_set(
        error, "conservation", "%s: %llu records but %llu loaded, %llu rejected, %llu filtered",
        task->file.name, (unsigned long long)counts->records, (unsigned long long)counts->loaded,
        (unsigned long long)counts->rejected, (unsigned long long)counts->filtered);
  return true;
}

bool task_take(Engine *engine, Counts *counts, Error *error) {
  Task *task = engine_task(engine, 0);
  task->counts.input_bytes = task_input_bytes(task);
  engine->total.input_bytes += task->counts.input_bytes;
  engine->start_bytes += task_start_bytes(task);
  *counts = task->counts;
  bool ok = check_counts(task, error);
  engine->task_first = (engine->task_first + 1) % engine->options.files;
  engine->task_count--;
  return ok;
}

void tasks_free(Engine *engine) {
  for (unsigned i = 0; i < MAX_FILES; i++) {
    Task *task = &engine->tasks[i];
    free(task->raw_map);
    free(task->clean_map);
    free(task->ring);
    buffer_free(&task->leftover);
  }
}
