// Columns that are lined up with blanks, which is not CSV.
#ifndef PGHOST_SNIFF_ALIGNED_H
#define PGHOST_SNIFF_ALIGNED_H

#include "sniff/best_dialect.h"

// Whether most lines have runs of blanks between other characters.
bool sniff_is_aligned(const SniffSample *sample);

#endif
