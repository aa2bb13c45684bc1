// Policies: what becomes of records that can be told apart, but are not as they should be: with too
// few or too many fields, equal to the header, with fields that are too long.
//
// A pass over a batch, after the tokenisers and without state of its own. Not for stray quotes,
// which are repaired where they are found (general.h).
#ifndef PGHOST_CSV_POLICY_H
#define PGHOST_CSV_POLICY_H

#include "csv/general.h"

// Applies the dialect's policies to the batch read from bytes[0, used), the end of which is
// `*position`. Returns the bytes used, which are fewer where a policy stops before a record; then
// *position is that record's. False in *good: no memory.
size_t policy_apply(General *general, Batch *batch, const char *bytes, size_t used,
                    Position *position, bool *good);

// Sums the repairs of the batch, when no record of it becomes a reject any more.
void policy_count(const Dialect *dialect, Batch *batch);

#endif
