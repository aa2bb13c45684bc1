// Records of a block through the rules and into rows. For load/ only.
#ifndef PGHOST_LOAD_RECORDS_H
#define PGHOST_LOAD_RECORDS_H

#include "load/shared.h"
#include "load/stream_rows.h"

// Runs the program over record `i` of the block.
Verdict record_judge(const Engine *engine, Block *block, size_t i, Scratch *scratch);

// Where record `i` of a block under way came from, as its file has it. Valid until the next call.
Origin record_located(Block *block, size_t i);

// Encodes what becomes of it.
void record_settle(Engine *engine, Block *block, size_t i, Scratch *scratch, Verdict verdict);

#endif
