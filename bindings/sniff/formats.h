// Dates and times that are not ISO 8601: the formats a value could be in. Belongs to columns.c,
// which calls it for the column it is working on.
#ifndef PGHOST_SNIFF_FORMATS_H
#define PGHOST_SNIFF_FORMATS_H

#include "sniff/columns.h"

// Adds to column->formats and column->types those that the value matches: "01/02/2024" matches two.
void sniff_formats(const char *text, size_t len, SniffColumn *column);

#endif
