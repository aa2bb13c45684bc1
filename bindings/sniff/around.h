// Finds what stands around the records of a table.
#ifndef PGHOST_SNIFF_AROUND_H
#define PGHOST_SNIFF_AROUND_H

#include "sniff/structure.h"

// Looks at the sample in the dialect of the guess, whose comment prefix, score and first record are
// set again. False: no memory.
bool sniff_structure(const SniffSample *sample, const SniffGiven *given, SniffGuess *guess,
                     SniffStructure *structure);

#endif
