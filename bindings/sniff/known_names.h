// Common names of columns.
#ifndef PGHOST_SNIFF_KNOWN_NAMES_H
#define PGHOST_SNIFF_KNOWN_NAMES_H

#include <stddef.h>

typedef enum SniffKnown { SNIFF_KNOWN_NOT, SNIFF_KNOWN_WORD, SNIFF_KNOWN_NAME } SniffKnown;

// How much a text resembles a common column name: "city" and "city_id" do. "New York City" only
// contains a word of one.
SniffKnown sniff_known_name(const char *name, size_t len);

#endif
