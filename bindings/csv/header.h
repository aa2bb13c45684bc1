// The header of a source: its records as written, and the names of the columns made of them.
// Not for reading it (source.h).
#ifndef PGHOST_CSV_HEADER_H
#define PGHOST_CSV_HEADER_H

#include "base/buffer.h"
#include "csv/dialect.h"

typedef struct Header {
  HeaderLine lines[MAX_HEADER_LINES]; // as written
  char *memory[MAX_HEADER_LINES];     // that holds them
  uint32_t line_count;
  uint64_t position; // physical line of the first, for messages
  Field *written;    // per column: the lines joined, surrounding blanks removed
  Field *columns;    // the names: `written`, after any repair
  size_t column_count;
  Buffer text; // of both
} Header;

void header_free(Header *header);

// Adds a record of the header; copied. False: out of memory.
bool header_add(Header *header, const Field *fields, uint32_t count);

// Makes the names from the records added; several are joined by a blank. Without any record the
// names are column1, column2 and so on. `extra` adds one more column, _extra. False: out of memory.
bool header_make_names(Header *header, size_t count, bool extra);

// Checks for empty and repeated names (folded as PostgreSQL does: ASCII letters only). False with
// `error` filled, code "header".
bool header_check(const Header *header, const char *source_name, Error *error);

// Empty names become column_N, overlong names are cut, and repeated ones get _2 and so on. False:
// out of memory.
bool header_repair(Header *header);

#endif
