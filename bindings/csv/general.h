// The general tokeniser: for dialects that libcsv cannot read (a delimiter of several bytes, an
// escape character, no quote, blanks after the delimiter).
//
// For other dialects it gives the same result as libcsv; a fuzz target checks that. It is fed a
// record one physical line at a time and knows nothing of broken records (see reader.h).
#ifndef PGHOST_CSV_GENERAL_H
#define PGHOST_CSV_GENERAL_H

#include "csv/batch.h"
#include "csv/dialect.h"

typedef enum Fed {
  FED_RECORD, // the record ends with this line
  FED_MORE,   // it continues on the next one
  FED_ERROR,
} Fed;

// Where in a field the tokeniser is.
typedef enum Place { AT_START, IN_PLAIN, IN_QUOTES, BEHIND_QUOTE } Place;

typedef struct General {
  const Dialect *dialect;
  Batch *batch;  // fields are added to it; NULL: only counted. Its text has room enough
  size_t fields; // of the record so far
  Place place;
  const char *from;  // bytes of the field that are not in the batch's text yet
  const char *start; // of the field as written
  bool blanks;       // some after a closing quote were skipped in the record
  bool made_bytes;   // escapes in the record gave bytes that may not be text
  size_t text_start; // of the field in the batch's text
  bool copied;       // part of the field is there
  bool failed;       // out of memory
  bool special[256]; // bytes to look at outside quotes
} General;

General general_new(const Dialect *dialect);

// The next line starts a record whose fields go to `batch`.
void general_begin(General *general, Batch *batch);
Fed general_feed(General *general, const PhysicalLine *line, RecordError *error);

// Where field `n` (from 0) of the good record bytes[0, len) starts.
size_t general_field_start(General *general, const char *bytes, size_t len, size_t n);

// Takes stray quotes in one physical line as data. If the line then has as many fields as the
// dialect has columns, adds them to `batch` and returns true; otherwise adds nothing.
bool general_repair(General *general, Batch *batch, const char *bytes, size_t len);

#endif
