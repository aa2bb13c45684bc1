// Records of a block through the rules and into rows. For load/ only.
#ifndef PGHOST_LOAD_RECORDS_H
#define PGHOST_LOAD_RECORDS_H

#include "load/state.h"

// Runs the program over record `i` of the block.
Verdict record_judge(const Engine *engine, Block *block, size_t i, Scratch *scratch);

// Encodes what becomes of it.
void record_settle(Engine *engine, Block *block, size_t i, Scratch *scratch, Verdict verdict);

// A record of the block that has passed the rules is refused by the server: a row of the rejects.
void record_refuse(const Engine *engine, Block *block, size_t i, const char *column,
                   const char *rule, const char *reason);

#endif
