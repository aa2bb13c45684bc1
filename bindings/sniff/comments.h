// Lines that are comments, and lines that only start like comments.
#ifndef PGHOST_SNIFF_COMMENTS_H
#define PGHOST_SNIFF_COMMENTS_H

#include "sniff/best_dialect.h"

typedef struct SniffComments {
  size_t lines;     // in the sample
  bool fields_line; // one says "#Fields:", as W3C's extended log format does
  bool header;      // the header line begins as the comments above it do
} SniffComments;

// Sets the prefix that comments have in the dialect of the guess, if any, and scores it again. A
// line with as many fields as the table has columns is a record, whatever it starts with, unless
// the prefix is given (NULL: not given; "": no comments). False: out of memory.
bool sniff_comments_find(const SniffSample *sample, const char *given, SniffGuess *guess,
                         SniffComments *comments);

#endif
