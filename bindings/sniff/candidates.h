// The delimiters that a text could be in: those people use, and those that every line has.
#ifndef PGHOST_SNIFF_CANDIDATES_H
#define PGHOST_SNIFF_CANDIDATES_H

#include "sniff/tokens.h"

enum { SNIFF_MAX_DELIMITERS = 40 };

typedef struct SniffDelimiter {
  char text[SNIFF_DELIMITER_SIZE + 1];
  double prior; // how usual it is, 0 to 1
} SniffDelimiter;

// Fills `out` with at most SNIFF_MAX_DELIMITERS; returns how many.
size_t sniff_delimiters(const char *bytes, size_t len, SniffDelimiter *out);

#endif
