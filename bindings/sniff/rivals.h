// Chooses the best of the scored readings by what single cells do not show.
#ifndef PGHOST_SNIFF_RIVALS_H
#define PGHOST_SNIFF_RIVALS_H

#include "sniff/best_dialect.h"

// Removes readings, and moves others to the front. False: out of memory.
bool sniff_settle(const SniffSample *sample, const SniffGiven *given, SniffGuesses *guesses);

#endif
