// Ending a load at the first record that ends it: over a budget, or against a policy.
//
// Workers find such records in any order. The worker that finds one marks its block; later blocks
// are dropped, earlier ones are still read and checked and may move the mark. The load fails once
// no block before the mark is left. So the first such record is reported, whatever the number of
// workers. The engine's lock is held around all of this. For load/ only.
#ifndef PGHOST_LOAD_STOP_H
#define PGHOST_LOAD_STOP_H

#include "load/shared.h"

// Ends the load with this block, unless it already ends earlier.
void stop_at(Engine *engine, const Block *block, const Error *error);

// Whether the load ends in this file or before it.
bool stop_is_in(const Engine *engine, const Task *task);

// Whether the load ends before this block.
bool stop_is_before(const Engine *engine, const Block *block);

// Fails the load when everything before its end is encoded.
void stop_if_reached(Engine *engine);

// Pops the first block that is not after the end; recycles the others. NULL: none.
Block *stop_take(Engine *engine, Queue *queue);

#endif
