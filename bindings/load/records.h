// Runs the records of a block through the rules and encodes them as rows. For load/ only.
#ifndef PGHOST_LOAD_RECORDS_H
#define PGHOST_LOAD_RECORDS_H

#include "load/shared.h"

// Runs the program over record `i` of the block.
Verdict record_judge(const Engine *engine, Block *block, size_t i, Scratch *scratch);

// Encodes its outcome.
void record_settle(Engine *engine, Block *block, size_t i, Scratch *scratch, Verdict verdict);

#endif
