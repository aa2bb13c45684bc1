// The sniffer: detects what a file is. Encoding, dialect, structure, columns.
//
// It reports what it found, how sure it is and what else it could be. scripts/pghost/sniff.lua
// decides which type to propose, the wording, and what to do with the result.
#ifndef PGHOST_SNIFF_SNIFF_H
#define PGHOST_SNIFF_SNIFF_H

#include "csv/sample_encoding.h"
#include "csv/source.h"
#include "sniff/columns.h"
#include "sniff/structure.h"

typedef struct SniffOptions {
  uint64_t sample;      // bytes to look at, at least; 0: the whole file
  const char *encoding; // NULL: to be found
  SniffGiven given;     // a delimiter of at most SNIFF_DELIMITER_SIZE bytes
} SniffOptions;

// Something that happens in records: how often, and the physical line of the first.
typedef struct SniffCount {
  uint64_t count;
  uint64_t line;
} SniffCount;

enum { SNIFF_PASSED = 24, SNIFF_PASSED_SIZE = 120 };

typedef enum SniffPassing {
  SNIFF_PASSED_ABOVE,
  SNIFF_PASSED_COMMENT,
  SNIFF_PASSED_BELOW
} SniffPassing;

// A skipped physical line.
typedef struct SniffPassed {
  uint64_t line;
  SniffPassing what;
  bool cut;
  uint8_t len;
  char text[SNIFF_PASSED_SIZE];
} SniffPassed;

typedef struct Sniff {
  SampleEncoding encoding;
  SniffGuesses guesses; // the first is the dialect
  SniffStructure structure;
  SniffColumns columns;
  char spare;    // a delimiter that the sample does not have, for a file of one column
  Buffer header; // cells of the header, `columns` a record: each 4 bytes length, then the text
  size_t header_records; // in `header`
  Buffer
      first; // cells of the table's first record, header or not: each 4 bytes length, then the text
  size_t first_cells;
  SniffPassed passed[SNIFF_PASSED]; // the first that are not blank
  size_t passed_count;              // in the list
  uint64_t passed_lines;            // all that are not blank
  SniffCount fitting;               // comment lines in the table with its number of fields
  SniffCount
      second; // records to the end of the file of one other number of fields; the first's line
  size_t second_fields;      // how many they have
  uint64_t restart;          // line of names below a blank line: another table of the same width; 0
  uint64_t bytes;            // read, after decompression
  bool whole;                // all of the file was looked at
  uint64_t records;          // without header, comments, blank lines and footer
  uint64_t ends[SNIFF_ENDS]; // by SniffLineEnd
  size_t footer;             // physical lines after the table, as far as the end was seen
  bool footer_is_total;      // one of them is of the table's width, and says that it is a sum
  SniffCount few, many;      // records with fewer or more fields than the table has columns
  SniffCount broken;         // with a stray quote
  SniffCount unterminated;
  SniffCount lone_cr;
  SniffCount blank;
  uint64_t invalid;        // bytes that are not of the encoding
  uint64_t invalid_offset; // of the first, in the UTF-8 text
  uint64_t zeros;          // NUL bytes
} Sniff;

// Takes over `input` (closed in any case). False: an error of the input, no memory, an encoding
// that is unknown, an empty file (code "empty"), a binary one (code "binary"). To be freed in any
// case.
bool sniff_input(Input *input, const SniffOptions *options, Sniff *sniff, Error *error);
void sniff_free(Sniff *sniff);

#endif
