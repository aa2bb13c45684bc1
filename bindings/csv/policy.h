// Policies: what happens to records that can be tokenised but are malformed: too few or too many
// fields, equal to the header, fields that are too long.
//
// A stateless pass over a batch, after the tokenisers. Not for stray quotes, which are repaired
// where they are found (general.h).
#ifndef PGHOST_CSV_POLICY_H
#define PGHOST_CSV_POLICY_H

#include "csv/general.h"

// Applies the dialect's policies to the batch read from bytes[0, used), the end of which is
// `*position`. Returns the bytes used: fewer if a policy stops before a record, whose position is
// then in *position. *good is false when out of memory.
size_t policy_apply(General *general, Batch *batch, const char *bytes, size_t used,
                    Position *position, bool *good);

// Sums the repairs of the batch, once none of its records can become a reject any more.
void policy_count(const Dialect *dialect, Batch *batch);

#endif
