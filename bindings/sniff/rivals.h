// Which of the readings that were scored is the best after all: what one cell after the other does
// not show.
#ifndef PGHOST_SNIFF_RIVALS_H
#define PGHOST_SNIFF_RIVALS_H

#include "sniff/best_dialect.h"

// Takes readings out, and puts others first. False: no memory.
bool sniff_settle(const SniffSample *sample, const SniffGiven *given, SniffGuesses *guesses);

#endif
