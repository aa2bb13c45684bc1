// See lines.h.
#include "csv/lines.h"

#include <string.h>

static const char *const names[LINE_KINDS] = {
    [LINES_RECORD] = "records",
    [LINES_HEADER] = "header",
    [LINES_PREAMBLE] = "preamble",
    [LINES_COMMENT] = "comments",
    [LINES_BLANK] = "blank",
    [LINES_FOOTER] = "footer",
    [LINES_SECOND_TABLE] = "second_table",
    [LINES_EARLIER] = "earlier",
};

const char *line_kind_name(LineKind kind) {
  return names[kind];
}

void lines_add_comment(Lines *lines, uint64_t line, const char *bytes, size_t len) {
  lines->count[LINES_COMMENT]++;
  if (lines->comment > 0 && lines->comment <= line)
    return;
  lines->comment = line;
  lines->comment_length = (uint32_t)(len < COMMENT_TEXT ? len : COMMENT_TEXT);
  memcpy(lines->comment_text, bytes, lines->comment_length);
}

void lines_add(Lines *sum, const Lines *more) {
  for (int kind = 0; kind < LINE_KINDS; kind++)
    sum->count[kind] += more->count[kind];
  if (more->comment == 0 || (sum->comment > 0 && sum->comment <= more->comment))
    return;
  sum->comment = more->comment;
  sum->comment_length = more->comment_length;
  memcpy(sum->comment_text, more->comment_text, more->comment_length);
}

uint64_t lines_total(const Lines *lines) {
  uint64_t total = 0;
  for (int kind = 0; kind < LINE_KINDS; kind++)
    total += lines->count[kind];
  return total;
}
