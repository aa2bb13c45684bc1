// Records that the server refuses. For load/ only.
#ifndef PGHOST_LOAD_REFUSAL_H
#define PGHOST_LOAD_REFUSAL_H

#include "load/state.h"

// A record of the block that has passed the rules is refused by the server: a row of the rejects.
void record_refuse(const Engine *engine, Block *block, size_t i, const char *column,
                   const char *rule, const char *reason);

#endif
