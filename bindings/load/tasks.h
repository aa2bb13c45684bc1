// The files under way. For load/ only.
#ifndef PGHOST_LOAD_TASKS_H
#define PGHOST_LOAD_TASKS_H

#include "load/shared.h"

// Bytes of the file, or of all files, that have become records, as they lie on the disk. The lock
// is held.
uint64_t task_input_bytes(const Task *task);
uint64_t tasks_input_bytes(Engine *engine);

// Bytes of the file that hold no record to read: of the header, and of what is skipped.
uint64_t task_start_bytes(const Task *task);
uint64_t tasks_start_bytes(Engine *engine); // of all files started

// Starts a file in a slot that is free.
bool task_start(Engine *engine, const FileTask *file, Error *error);

// Takes the oldest file, which is done, off the ring. False: it does not add up. The lock is held.
bool task_take(Engine *engine, Counts *counts, Error *error);

// Frees the memory of every task.
void tasks_free(Engine *engine);

#endif
