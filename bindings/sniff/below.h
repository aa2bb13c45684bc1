// What is below the records of a table: text about it, sums, or neither.
#ifndef PGHOST_SNIFF_BELOW_H
#define PGHOST_SNIFF_BELOW_H

#include "sniff/cell.h"
#include "sniff/tokens.h"

// What has been seen since the last record of the table; all zero at first.
typedef struct SniffBelow {
  size_t notes;
  size_t lines; // physical
  bool apart;   // a blank line, or a record with nothing in it
  bool blank;   // a blank line
  bool total;   // a record says that it is a sum
  // Of the table's records, not of what is below:
  SniffCell first; // what the first cell of the last one looks like
  bool totals;     // some say that they are sums: sums are data here
  bool sparse;     // some have less than three cells with something in them
  bool gaps;       // some have an empty cell
} SniffBelow;

// Takes in the next record, whose bytes are at `line`. False: it is one of the table, or could be,
// damaged or cut off, and what came before was nothing below it.
bool sniff_below(const SniffRecord *record, const char *line, const SniffDialect *dialect,
                 size_t columns, SniffBelow *below);

#endif
