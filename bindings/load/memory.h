// The budget of bytes that the blocks of a load share. For load/ only; the lock is held for all.
//
// A block counts with what its buffers hold, idle or not. One block alone may exceed the budget, so
// that a record passes whatever its length.
#ifndef PGHOST_LOAD_MEMORY_H
#define PGHOST_LOAD_MEMORY_H

#include "load/shared.h"

// Counts the block anew, at least with what is known to come to it.
void memory_note(Engine *engine, Block *block, size_t coming);

// What rules and encoding are going to add to a block that was just cut.
size_t memory_to_come(const Engine *engine, const Block *block);

// The block is free for the splitter.
void memory_recycle(Engine *engine, Block *block);

// Whether one more block may be cut; frees what idle blocks hold where that is needed.
bool memory_has_room(Engine *engine);

#endif
