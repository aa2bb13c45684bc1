// What a dialect says about bytes. See dialect.h.
#include "csv/dialect.h"

#include <string.h>

enum {
  MOST_MESSAGE = 1 << 30, // bytes of a message of the server
  DEFAULT_MAX_RECORD = 16 * 1024 * 1024,
  MOST_BLANKS = 1024 * 1024, // bytes of blank lines that are kept together
};

Dialect dialect_default(void) {
  return (Dialect){.delimiter = ',',
                   .quote = '"',
                   .max_record = DEFAULT_MAX_RECORD,
                   .first_offset = UINT64_MAX,
                   .text = {.encoding = "utf-8", .exact_ascii = true}};
}

Dialect dialect_from_server(void) {
  Dialect dialect = dialect_default();
  dialect.delimiter = '\t';
  dialect.unquoted = dialect.text_format = dialect.from_server = true;
  dialect.escape = '\\';
  dialect.headerless = true;
  dialect.max_record = MOST_MESSAGE;
  return dialect;
}

size_t dialect_delimiter_length(const Dialect *dialect) {
  return dialect->delimiter_length > 1 ? dialect->delimiter_length : 1;
}

static bool delimiter_has(const Dialect *dialect, char byte) {
  if (dialect->delimiter_length > 1)
    return memchr(dialect->longer_delimiter, byte, dialect->delimiter_length) != NULL;
  return dialect->delimiter == byte;
}

// What may follow the backslash of the text format, so that it cannot be the delimiter.
static bool is_letter(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '.';
}

bool dialect_check(const Dialect *dialect, Error *error) {
  if (!dialect->unquoted && delimiter_has(dialect, dialect->quote))
    return error_set(error, "usage", "delimiter and quote are the same");
  if (dialect->escape && delimiter_has(dialect, dialect->escape))
    return error_set(error, "usage", "delimiter and escape are the same");
  if (dialect->skip_blanks && dialect->delimiter == ' ')
    return error_set(error, "usage", "skip_blanks cannot be combined with a blank as delimiter");
  if (dialect->text_format && !dialect->unquoted)
    return error_set(error, "usage", "format 'text' has no quotes: quote cannot be given");
  if (dialect->text_format && dialect->escape != '\\')
    return error_set(error, "usage",
                     "format 'text' has an escape of its own: escape cannot be given");
  if (dialect->text_format && (dialect->delimiter_length > 1 || is_letter(dialect->delimiter)))
    return error_set(
        error, "usage",
        "format 'text' takes one byte as delimiter, no lower case letter, digit or '.'");
  if (dialect->end_at_second_table && dialect->keep_blank_lines)
    return error_set(error, "usage",
                     "second_table 'stop' needs blank lines, which blank_lines 'keep' makes data");
  return true;
}

char dialect_line_end(const Dialect *dialect) {
  return dialect->line_end == LINE_CR ? '\r' : '\n';
}

size_t dialect_crs(const Dialect *dialect, const char *start, const char *end) {
  size_t most = dialect->line_end == LINE_CR ? 0 : dialect->line_end == LINE_LF ? 1 : 2, count = 0;
  while (count < most && end - count > start && end[-1 - (ptrdiff_t)count] == '\r')
    count++;
  return count;
}

bool dialect_is_plain(const Dialect *dialect) {
  return dialect->delimiter_length <= 1 && !dialect->unquoted && !dialect->escape &&
         !dialect->skip_blanks && !dialect->general_only;
}

bool dialect_is_mark(const Dialect *dialect, const char *at, const char *end) {
  return end - at >= MARK_LENGTH && memcmp(at, "\xef\xbb\xbf", MARK_LENGTH) == 0 &&
         dialect->text.kind != ENCODING_FIELDS;
}

bool dialect_is_comment(const Dialect *dialect, const char *at, const char *end) {
  size_t length = dialect->comment_length;
  return length > 0 && (size_t)(end - at) >= length && memcmp(at, dialect->comment, length) == 0;
}

bool dialect_is_delimiter(const Dialect *dialect, const char *at, const char *end) {
  if (at == end || *at != dialect->delimiter)
    return false;
  size_t length = dialect->delimiter_length;
  return length <= 1 ||
         ((size_t)(end - at) >= length && memcmp(at, dialect->longer_delimiter, length) == 0);
}

PhysicalLine dialect_line(const Dialect *dialect, const char *bytes, size_t left) {
  const char *end = memchr(bytes, dialect_line_end(dialect), left);
  if (!end)
    return (PhysicalLine){bytes, left, left, false};
  size_t length = (size_t)(end - bytes);
  return (PhysicalLine){bytes, length + 1, length - dialect_crs(dialect, bytes, end), true};
}

size_t dialect_without_blank_end(const Dialect *dialect, const char *bytes, size_t len,
                                 uint64_t *lines) {
  char end = dialect_line_end(dialect);
  size_t left = len;
  *lines = 0;
  while (left > 0 && bytes[left - 1] == end) {
    size_t before = left - 1 - dialect_crs(dialect, bytes, bytes + left - 1);
    if (before > 0 && bytes[before - 1] != end)
      break; // the end of a line that is not blank
    left = before;
    ++*lines;
    if (len - left > MOST_BLANKS) {
      *lines = 0;
      return len;
    }
  }
  return left;
}
