// A dialect: how the bytes of a CSV file are split into fields, and what happens to malformed
// records. Plain data, copied by value; nothing here reads.
#ifndef PGHOST_CSV_DIALECT_H
#define PGHOST_CSV_DIALECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/field.h"
#include "csv/encoding.h"

enum {
  MAX_DELIMITER = 8, // bytes
  MAX_COMMENT = 16,
  MAX_HEADER_LINES = 16,
  MAX_FOOTER = 1000,
  MARK_LENGTH = 3, // bytes of a byte order mark, in UTF-8
  MAX_NAME = 63,   // bytes: NAMEDATALEN - 1 of PostgreSQL, which cuts longer names silently
};

typedef enum LineEnd {
  LINE_LF,     // LF or CRLF, in any mixture
  LINE_CR,     // CR alone (old Mac files)
  LINE_CRCRLF, // as LF, or CRCRLF: CRLF written again through a Windows text file
} LineEnd;

// For records with too few or too many fields. STOP: reading ends with an error.
typedef enum FewPolicy { FEW_REJECT, FEW_PAD, FEW_STOP } FewPolicy;
typedef enum ManyPolicy { MANY_REJECT, MANY_CUT, MANY_EXTRA, MANY_STOP } ManyPolicy;

// For records that are equal to the header.
typedef enum HeaderPolicy { HEADER_REJECT, HEADER_SKIP, HEADER_LOAD } HeaderPolicy;

// One record of the header, as written.
typedef struct HeaderLine {
  const Field *fields;
  uint32_t count;
} HeaderLine;

typedef struct Dialect {
  char delimiter; // one byte, default ','; the first byte of a longer one
  char quote;     // one byte, default '"'; doubled inside a quoted field
  LineEnd line_end;
  uint32_t columns;  // fields every record must have; 0: any number
  size_t max_record; // bytes; a longer record is rejected. Default 16 MiB, at most 512 MiB
  bool headerless;   // the first record is data; columns are then named column1, column2, ...
  bool any_header;   // the caller handles empty and repeated names in the header
  TextOptions text;  // its encoding; default UTF-8
  bool libcsv_only;  // without the fast path for ordinary records: for comparison
  bool general_only; // neither that nor libcsv: for comparison

  char longer_delimiter[MAX_DELIMITER]; // all bytes of a delimiter longer than one byte
  size_t delimiter_length;              // 0 and 1 are the same
  bool unquoted;                        // no quote character
  char escape;                          // the byte after it is literal, also in quotes; 0: none
  char comment[MAX_COMMENT];
  size_t comment_length; // of what starts a comment line; 0: no comments
  bool skip_blanks;      // blanks at the start of a field are not data
  bool keep_blank_lines; // a blank line is a record of one NULL
  uint32_t skip;         // physical lines before the header that are skipped
  uint32_t footer;       // physical lines at the end that are skipped
  uint32_t header_lines; // records that make the header; 0 and 1 are the same

  FewPolicy too_few;
  ManyPolicy too_many;
  bool repair_quotes;
  bool repair_names;
  bool end_at_second_table; // a blank line and a record of another width end the table
  bool blanks_after_quote;  // those between a closing quote and the delimiter are not data
  bool trailing_delimiter;  // one empty field more than the header has is not data
  bool text_format;         // of COPY: escapes, \N, no quotes
  bool from_server;         // written by COPY TO: a Ctrl-Z at the end is data
  HeaderPolicy repeated_header;
  size_t max_field;          // bytes; 0: any
  uint32_t max_record_lines; // physical lines; 0: any

  const HeaderLine *header; // that records must not repeat; borrowed from the source
  uint32_t header_count;
  const HeaderLine *names; // the header's last line; NULL: no header; borrowed too
  uint64_t first_offset;   // of the first record after a header; UINT64_MAX without one
} Dialect;

// Comma, double quote, LF, any number of columns, 16 MiB; everything else is rejected.
Dialect dialect_default(void);

// What COPY ... TO STDOUT writes: the text format, without a header. The caller sets `columns`.
Dialect dialect_from_server(void);

// False with a message (code "usage") when options cannot be combined.
bool dialect_check(const Dialect *dialect, Error *error);

char dialect_line_end(const Dialect *dialect); // the byte that ends a physical line

// How many of the CRs before `end`, the position of a line's LF, belong to the line end. Looks no
// further back than `start`.
size_t dialect_crs(const Dialect *dialect, const char *start, const char *end);

// Whether libcsv can read it; otherwise the general tokeniser does.
bool dialect_is_plain(const Dialect *dialect);

// Whether the bytes [at, end) start with a byte order mark that is not data.
bool dialect_is_mark(const Dialect *dialect, const char *at, const char *end);

// Whether the bytes [at, end) start with a comment or the delimiter.
bool dialect_is_comment(const Dialect *dialect, const char *at, const char *end);
bool dialect_is_delimiter(const Dialect *dialect, const char *at, const char *end);

size_t dialect_delimiter_length(const Dialect *dialect);

// One physical line.
typedef struct PhysicalLine {
  const char *bytes;
  size_t used;   // with its line end
  size_t length; // without
  bool ended;    // has a line end
} PhysicalLine;

// The line that starts at bytes[0, left).
PhysicalLine dialect_line(const Dialect *dialect, const char *bytes, size_t left);

// The length of bytes[0, len), which end after a line end, without trailing blank lines; their
// number goes to *lines. Beyond a limit blank lines are kept, so that memory stays bounded.
size_t dialect_without_blank_end(const Dialect *dialect, const char *bytes, size_t len,
                                 uint64_t *lines);

#endif
