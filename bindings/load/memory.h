// The budget of bytes that the blocks of a load share. For load/ only; the lock is held for all.
//
// A block counts with the size of its buffers, idle or not. A single block may exceed the budget,
// so that a record of any length passes.
#ifndef PGHOST_LOAD_MEMORY_H
#define PGHOST_LOAD_MEMORY_H

#include "load/shared.h"

// Recounts the block, including at least what is known to be added to it.
void memory_note(Engine *engine, Block *block, size_t coming);

// What rules and encoding will add to a block that was just cut.
size_t memory_to_come(const Engine *engine, const Block *block);

// The block is idle again, free for the splitter.
void memory_recycle(Engine *engine, Block *block);

// Whether one more block may be cut; frees the buffers of idle blocks if needed.
bool memory_has_room(Engine *engine);

#endif
