// Another table of the same width, below a blank line: a record of names, then its records.
#ifndef PGHOST_SNIFF_RESTART_H
#define PGHOST_SNIFF_RESTART_H

#include "sniff/tokens.h"

// All zero at first.
typedef struct SniffRestart {
  Buffer over;      // one byte per cell of a record of names: 1 while those below have data there
  size_t below;     // records seen below it
  bool after_blank; // the next record is below a blank line
  bool open;        // there is such a record
  uint64_t line;    // its physical line
} SniffRestart;

void sniff_restart_free(SniffRestart *restart);

// Takes in a record of the table's width, in order, which begins at the line; the caller sets
// `after_blank`. True: the record of `restart->line` is all words, stands below a blank line, and
// the two below it, this one the second, have numbers and the like in the same column.
bool sniff_restart(SniffRestart *restart, const SniffRecord *record, uint64_t line);

#endif
