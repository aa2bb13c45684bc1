// Rows of the rejects stream of a block. For load/ only.
#ifndef PGHOST_LOAD_REJECTS_H
#define PGHOST_LOAD_REJECTS_H

#include "load/shared.h"
#include "load/stream_rows.h"

// Counts a reject. False: its row is not needed.
bool reject_count(const Engine *engine, Block *block, const char *rule);

// The row of record `i`. `column` may be NULL.
void reject_put(const Engine *engine, Block *block, size_t i, const Origin *origin,
                const char *column, const char *rule, const char *reason);

// The row of a record that passed the rules but that the server refused.
void record_refuse(const Engine *engine, Block *block, size_t i, const char *column,
                   const char *rule, const char *reason);

// Sorts the rows by record, when some were refused later than others.
void rejects_order(Block *block);

#endif
