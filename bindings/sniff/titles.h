// Titles above a table, of the table's width.
#ifndef PGHOST_SNIFF_TITLES_H
#define PGHOST_SNIFF_TITLES_H

#include "sniff/best_dialect.h"

// Records above the table that have its width but at most one non-empty cell: how spreadsheets
// export a title.
typedef struct SniffTitles {
  size_t count;
  size_t blank; // nothing in them
  bool sparse;  // one has a few cells with something in them, or data
  bool ended;
} SniffTitles;

// Counts those at the start of the guess's table. False: out of memory.
bool sniff_count_titles(const SniffSample *sample, const SniffGuess *guess, SniffTitles *titles);

#endif
