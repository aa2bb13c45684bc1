// Tokenises records and fields of any dialect, for the sniffer: before the dialect is known, and
// while it reads the whole file.
//
// It refuses nothing: the record notes what is wrong with it. Loads read with csv/reader.h, which
// decides what a record is; for well-formed files the two agree.
#ifndef PGHOST_SNIFF_TOKENS_H
#define PGHOST_SNIFF_TOKENS_H

#include "base/buffer.h"

enum { SNIFF_DELIMITER_SIZE = 8, SNIFF_COMMENT_SIZE = 16 };

typedef struct SniffDialect {
  char delimiter[SNIFF_DELIMITER_SIZE + 1]; // NUL-terminated; "": one column
  uint8_t delimiter_len;
  char quote;                           // 0: none
  char escape;                          // 0: a quote is doubled
  char comment[SNIFF_COMMENT_SIZE + 1]; // what comment lines begin with; "": none
  bool skip_blanks;                     // spaces after a delimiter are not data
  bool blanks_after_quote;              // nor are those after a closing quote
  bool trailing_delimiter;              // a delimiter that ends a record starts no field
  bool text_format;                     // COPY's: fields are given as written
  bool carriage_return;                 // lines end in CR alone
  bool double_return;                   // lines end in CR CR LF
} SniffDialect;

typedef struct SniffField {
  const char *text; // as written, without its quotes; not NUL-terminated
  uint32_t len;
  bool quoted;
  bool escaped; // sniff_unescape has something to do
  bool broken;  // a quote where none may be
  bool led;     // blanks before it were skipped
  bool trailed; // blanks after its closing quote were
} SniffField;

typedef enum SniffLineEnd {
  SNIFF_END_NONE,
  SNIFF_END_LF,
  SNIFF_END_CRLF,
  SNIFF_END_CR,
  SNIFF_END_CRCRLF,
  SNIFF_ENDS
} SniffLineEnd;

// Reused from record to record; all zero at first.
typedef struct SniffRecord {
  SniffField *fields; // owned
  size_t count;
  size_t cap;
  size_t length; // bytes, with the line end
  size_t lines;  // physical lines it spans
  SniffLineEnd end;
  bool comment;      // a comment line: no fields
  bool blank;        // a line without any byte: no fields
  bool quoted;       // some field is in quotes
  bool broken;       // a stray quote
  bool unterminated; // a quote that is not closed: the first physical line alone, no fields
  bool lone_cr;      // a CR without LF in data outside quotes
  bool failed;       // out of memory
} SniffRecord;

void sniff_record_free(SniffRecord *record);

// Reads the record at bytes[0, len). False: its end is not among the bytes or, with `failed`, out
// of memory. With `final` nothing follows, and only an empty input gives false.
bool sniff_record_read(const SniffDialect *dialect, const char *bytes, size_t len, bool final,
                       SniffRecord *record);

// The field's value: its text, or, where it is escaped, what is written to `out` (cleared first).
const char *sniff_unescape(const SniffDialect *dialect, const SniffField *field, Buffer *out,
                           size_t *len);

// How many of its fields are not empty; quotes alone count.
size_t sniff_filled(const SniffRecord *record);

// Bytes of the first `lines` physical lines.
size_t sniff_skip_lines(const SniffDialect *dialect, const char *bytes, size_t len, size_t lines);

#endif
