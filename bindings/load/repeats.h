// Clean rows with a repeated key: they are kept out of the clean stream, and the server judges them
// after all others are in. For load/ only.
#ifndef PGHOST_LOAD_REPEATS_H
#define PGHOST_LOAD_REPEATS_H

#include "load/shared.h"

// Notes the key of the record that has just passed, whose row is the last of the block.
void repeats_note(const Engine *engine, Block *block, const Scratch *scratch);

// Removes them from the rows of a block that has been through the rules.
void repeats_take(Engine *engine, Block *block);

// Writes them to their file. The lock is held.
bool repeats_write(Engine *engine, Block *block, Error *error);

#endif
