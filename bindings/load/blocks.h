// Blocks that have been through the rules. For load/ only.
#ifndef PGHOST_LOAD_BLOCKS_H
#define PGHOST_LOAD_BLOCKS_H

#include "load/shared.h"

// Hands a block that has been through the rules to the streams. Takes the lock.
void block_encoded(Engine *engine, Block *block);

// Writes a block's rejects to the reject file, if there is one. The lock is held.
bool block_write_rejects(Engine *engine, Block *block, Error *error);

#endif
