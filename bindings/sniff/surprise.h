// How much the first record of a table differs from those below: this detects a header of text
// columns, whose names no type distinguishes from their values.
#ifndef PGHOST_SNIFF_SURPRISE_H
#define PGHOST_SNIFF_SURPRISE_H

#include "sniff/best_dialect.h"

// By how many bits the first record would be more surprising, as one of the records, than the most
// surprising of the others. Of each of its cells two things count: the signs it is made of (small
// and capital letters, digits, blanks, others), and whether its value recurs in the column;
// each by how many of the other records have the same. Below 0: another record is odder.
// False: no memory.
bool sniff_surprise(const SniffSample *sample, const SniffGuess *guess, double *bits);

#endif
