// Lines that are comments, and lines that only begin as comments do.
#ifndef PGHOST_SNIFF_COMMENTS_H
#define PGHOST_SNIFF_COMMENTS_H

#include "sniff/best_dialect.h"

typedef struct SniffComments {
  size_t lines;     // in the sample
  bool fields_line; // one says "#Fields:", as W3C's extended log format does
  bool header;      // the header line begins as the comments above it do
} SniffComments;

// Sets the prefix that comments have in the dialect of the guess, if any, and scores it again. What
// has as many fields as the table has columns is a record, whatever it begins with, unless the
// prefix is given (else NULL; "": there are none). False: no memory.
bool sniff_comments_find(const SniffSample *sample, const char *given, SniffGuess *guess,
                         SniffComments *comments);

#endif
