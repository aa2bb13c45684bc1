// Which of a table's first records are names of columns.
#ifndef PGHOST_SNIFF_NAMES_H
#define PGHOST_SNIFF_NAMES_H

#include "sniff/structure.h"

// Fills what the structure says of the header, and of lines above the guess's first record. False:
// no memory.
bool sniff_find_names(const SniffSample *sample, const SniffGuess *guess,
                      SniffStructure *structure);

#endif
