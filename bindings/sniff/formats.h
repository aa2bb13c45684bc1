// Dates and times that are not ISO 8601: the formats a value could be in.
// One subject with columns.c, which calls it for a column under way.
#ifndef PGHOST_SNIFF_FORMATS_H
#define PGHOST_SNIFF_FORMATS_H

#include "sniff/columns.h"

// Adds to column->formats and column->types those of which the value is one: "01/02/2024" is of
// two.
void sniff_formats(const char *text, size_t len, SniffColumn *column);

#endif
