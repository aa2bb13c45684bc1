// Blocks that are through with the rules. For load/ only.
#ifndef PGHOST_LOAD_BLOCKS_H
#define PGHOST_LOAD_BLOCKS_H

#include "load/shared.h"

// Gives a block that is through with rules to the streams. Takes the lock.
void block_encoded(Engine *engine, Block *block);

// Writes a block's rejects to their file, where they go to one. The lock is held.
bool block_write_rejects(Engine *engine, Block *block, Error *error);

#endif
