// What stands around the records of a table: comment lines, a preamble, header lines. around.h
// finds it.
#ifndef PGHOST_SNIFF_STRUCTURE_H
#define PGHOST_SNIFF_STRUCTURE_H

#include "sniff/above.h"
#include "sniff/best_dialect.h"
#include "sniff/comments.h"

enum { SNIFF_MAX_HEADER = 4 };

typedef struct SniffStructure {
  size_t preamble; // physical lines above the table
  SniffComments comments;
  bool aligned; // no delimiter, or a blank, and lines with runs of blanks in them: lined up
  bool
      wrapped_quotes; // read without quotes, at least half of the fields that have some are in them
  bool unclosed_quote; // the same, and a few fields open with one that they do not close
  size_t header;       // records of the header, 0 to SNIFF_MAX_HEADER
  double header_confidence;
  // What speaks for and against a header: columns of numbers and the like in which the first record
  // has words, or a value as the others; columns in which its text recurs; and whether its
  // texts are all different, and there.
  size_t header_words;
  size_t header_values;
  size_t header_again;
  bool header_digit; // the one word that speaks for a header begins with a digit, as codes do
  bool header_distinct;
  bool label;         // the first record has a label and a value: "Period:,2024"
  bool ruler;         // a record right below the names, or instead of them, is dashes throughout
  size_t names_below; // a record after the first has words where the others have data: its index
  bool corner;  // the first record has years over other numbers, or nothing where all others have
  bool prose;   // the first record is split like a sentence, and alone is no header
  bool counted; // it numbers the columns, and is no header
  bool title;   // the first record could be a title: one cell with something in it
  SniffAbove above;     // of another number of fields, so not one of the table
  size_t above_fields;  // how many it has
  size_t above_line;    // physical, from 1
  char above_sign;      // that parts it, where it is not the delimiter; 0
  bool above_near;      // as many fields as the table has columns, or one more or less
  size_t above_records; // such lines of data that no label begins: two are a table of their own
  bool header_unlike;   // of texts, and less like the records below than any of them is
  bool header_known;    // one of its texts is a name that columns often have
} SniffStructure;

#endif
