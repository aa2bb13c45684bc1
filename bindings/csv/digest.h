// The size and SHA-256 of a file, without reading it as CSV.
#ifndef PGHOST_CSV_DIGEST_H
#define PGHOST_CSV_DIGEST_H

#include "csv/source.h"

// Reads the input up to `limit` bytes. Gives what source_totals gives for these bytes.
bool input_digest(Input *input, uint64_t limit, SourceTotals *totals, Error *error);

#endif
