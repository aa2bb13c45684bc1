// The header of a source: its records as written, and the names of the columns made of them.
// Not for reading it (source.h).
#ifndef PGHOST_CSV_HEADER_H
#define PGHOST_CSV_HEADER_H

#include "base/buffer.h"
#include "csv/dialect.h"

typedef struct Header {
  HeaderLine lines[MAX_HEADER_LINES]; // as written
  char *memory[MAX_HEADER_LINES];     // that they are in
  uint32_t line_count;
  uint64_t position; // physical line of the first, for messages
  Field *written;    // per column: the lines joined, surrounding blanks removed
  Field *columns;    // the names: `written`, or what a repair made of it
  size_t column_count;
  Buffer text; // of both
} Header;

void header_free(Header *header);

// One more record of the header; copied. False: no memory.
bool header_add(Header *header, const Field *fields, uint32_t count);

// Makes the names: of the records added, of several of them joined by a blank. Without a record
// column1, column2 and so on. With `extra` there is one column more, _extra. False: no memory.
bool header_make_names(Header *header, size_t count, bool extra);

// Looks for empty and repeated names (as PostgreSQL folds them: ASCII letters only). False with
// `error` filled, code "header".
bool header_check(const Header *header, const char *source_name, Error *error);

// Empty names become column_N, names that are too long are cut, _2 and so on goes after those that
// are there already. False: no memory.
bool header_repair(Header *header);

#endif
