// The files in progress. For load/ only.
#ifndef PGHOST_LOAD_TASKS_H
#define PGHOST_LOAD_TASKS_H

#include "load/shared.h"

// Bytes of the file, or of all files, that have become records, as stored on disk. The lock is
// held.
uint64_t task_input_bytes(const Task *task);
uint64_t tasks_input_bytes(Engine *engine);

// Bytes of the file without records to read: the header, and what is skipped.
uint64_t task_start_bytes(const Task *task);
uint64_t tasks_start_bytes(Engine *engine); // of all files started

// Starts a file in a free slot.
bool task_start(Engine *engine, const FileTask *file, Error *error);

// Removes the oldest file, which is done, from the ring. False: its counts do not add up. The lock
// is held.
bool task_take(Engine *engine, Counts *counts, Error *error);

// Frees the memory of every task.
void tasks_free(Engine *engine);

#endif
