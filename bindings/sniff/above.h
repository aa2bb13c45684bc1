// What a line above the records could be: their header, one of them, or text about the table.
#ifndef PGHOST_SNIFF_ABOVE_H
#define PGHOST_SNIFF_ABOVE_H

#include "sniff/best_dialect.h"

// What a line right above a table without a header could be.
typedef enum SniffAbove {
  SNIFF_ABOVE_NONE,
  SNIFF_ABOVE_NAMES,
  SNIFF_ABOVE_DATA,
  SNIFF_ABOVE_COLUMN, // the name of one column, whose values were split
} SniffAbove;

typedef struct SniffAboveLine {
  SniffAbove what;
  size_t fields;
  char sign;        // 0: the dialect's delimiter
  bool near;        // as many fields as the table has columns, or one more or less
  bool led_by_data; // its first cell is a number or the like, and no label
  bool lone;        // one cell, short enough to be a name
} SniffAboveLine;

// `line` is where the record's bytes are. A line that is text about the table gives
// SNIFF_ABOVE_NONE.
void sniff_above(const SniffRecord *record, const char *line, const SniffDialect *dialect,
                 size_t columns, SniffAboveLine *above);

// Whether another usual delimiter parts the bytes into as many fields as the table has columns.
bool sniff_parts_otherwise(const char *line, size_t len, const SniffDialect *dialect,
                           size_t columns);

#endif
