// Classifies the physical lines of a file: each has exactly one kind, and the counts add up to all
// lines.
#ifndef PGHOST_CSV_LINES_H
#define PGHOST_CSV_LINES_H

#include <stddef.h>
#include <stdint.h>

enum { COMMENT_TEXT = 64 };

typedef enum LineKind {
  LINES_RECORD, // of records, good or not
  LINES_HEADER,
  LINES_PREAMBLE, // skipped before the header
  LINES_COMMENT,
  LINES_BLANK,
  LINES_FOOTER,
  LINES_SECOND_TABLE, // not read, except for the reject it starts with
  LINES_EARLIER,      // before the place where a source resumed
  LINE_KINDS,
} LineKind;

typedef struct Lines {
  uint64_t count[LINE_KINDS];
  uint64_t comment;        // line of the first comment; 0: none
  uint32_t comment_length; // of its start in `comment_text`
  char comment_text[COMMENT_TEXT];
} Lines;

// Notes a comment, `len` bytes of it on `line`.
void lines_add_comment(Lines *lines, uint64_t line, const char *bytes, size_t len);

void lines_add(Lines *sum, const Lines *more);
uint64_t lines_total(const Lines *lines);

// A stable short name: "records", "header", "preamble", ...
const char *line_kind_name(LineKind kind);

#endif
