// Blocks that are through with the rules. For load/ only.
#ifndef PGHOST_LOAD_BLOCKS_H
#define PGHOST_LOAD_BLOCKS_H

#include "load/state.h"

// Gives a block that is through with rules to the streams. Takes the lock.
void block_encoded(Engine *engine, Block *block);

#endif
