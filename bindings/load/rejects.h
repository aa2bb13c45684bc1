// Rows of the rejects stream of a block. For load/ only.
#ifndef PGHOST_LOAD_REJECTS_H
#define PGHOST_LOAD_REJECTS_H

#include "load/shared.h"
#include "load/stream_rows.h"

// Counts a reject. False: nobody wants its row.
bool reject_count(const Engine *engine, Block *block, const char *rule);

// The row of record `i`. `column` may be NULL.
void reject_put(const Engine *engine, Block *block, size_t i, const Origin *origin,
                const char *column, const char *rule, const char *reason);

// A record of the block that has passed the rules is refused by the server: a row of the rejects.
void record_refuse(const Engine *engine, Block *block, size_t i, const char *column,
                   const char *rule, const char *reason);

// Puts the rows in the order of their records, where some were refused after the others.
void rejects_order(Block *block);

#endif
