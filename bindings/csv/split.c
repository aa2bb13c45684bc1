// See split.h. Jumps from quote to quote with memchr; text without quotes costs one pass.
#define _GNU_SOURCE // memrchr
#include "csv/split.h"

#include <string.h>

#include "csv/general.h"
#include "csv/scan.h"

size_t split_last_line(const Dialect *dialect, const char *bytes, size_t len) {
  const char *end = len ? memrchr(bytes, dialect_line_end(dialect), len) : NULL;
  return end ? (size_t)(end - bytes) + 1 : 0;
}

// The closing quote of the field whose content starts at `at`; NULL when it is not in sight.
static const char *closing_quote(char quote, const char *at, const char *end) {
  while ((at = memchr(at, quote, (size_t)(end - at)))) {
    if (at + 1 == end || at[1] != quote)
      return at;
    at += 2;
  }
  return NULL;
}

static bool opens_field(const Dialect *dialect, const char *bytes, const char *quote) {
  return quote == bytes || quote[-1] == dialect->delimiter ||
         quote[-1] == dialect_line_end(dialect);
}

static bool closes_field(const Dialect *dialect, const char *quote, const char *end) {
  while (dialect->blanks_after_quote && quote + 1 < end && quote[1] == ' ')
    quote++;
  return quote + 1 == end || quote[1] == dialect->delimiter || quote[1] == '\r' || quote[1] == '\n';
}

// Follows the fields as the reader would: after a stray quote it continues at the next line.
static size_t follow_quotes(const Dialect *dialect, const char *bytes, size_t len) {
  const char *end = bytes + len;
  const char *record = bytes; // start of the record that `at` is in
  const char *at = bytes;     // outside quotes
  const char *quote;
  while (at < end && (quote = memchr(at, dialect->quote, (size_t)(end - at)))) {
    size_t lines = split_last_line(dialect, at, (size_t)(quote - at));
    if (lines > 0)
      record = at + lines;
    const char *stray = quote;
    if (opens_field(dialect, bytes, quote)) {
      const char *close = closing_quote(dialect->quote, quote + 1, end);
      if (!close)
        return (size_t)(record - bytes);
      at = close + 1;
      if (closes_field(dialect, close, end))
        continue;
      stray = close;
    }
    const char *line_end = memchr(stray, dialect_line_end(dialect), (size_t)(end - stray));
    at = record = line_end ? line_end + 1 : end;
  }
  return len;
}

// Follows the records as the general tokeniser reads them, without keeping fields.
static size_t follow_records(const Dialect *dialect, const char *bytes, size_t len) {
  General general = general_new(dialect);
  size_t record = 0;
  while (record < len) {
    PhysicalLine line = dialect_line(dialect, bytes + record, len - record);
    size_t after = record + line.used, first = after;
    RecordError error;
    general_begin(&general, NULL);
    bool comment = dialect_is_comment(dialect, line.bytes, line.bytes + line.length);
    Fed fed = comment ? FED_RECORD : general_feed(&general, &line, &error);
    while (fed == FED_MORE && after < len) {
      line = dialect_line(dialect, bytes + after, len - after);
      after += line.used;
      fed = general_feed(&general, &line, &error);
    }
    if (fed == FED_MORE)
      return record;
    record = fed == FED_ERROR ? first : after;
  }
  return record;
}

// In the text format every line end ends a record, but for one after an escape.
static bool ends_in_escape(const char *bytes, size_t len) {
  while (len > 0 && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r'))
    len--;
  return len > 0 && bytes[len - 1] == '\\';
}

size_t split_last_record(const Dialect *dialect, const char *bytes, size_t len) {
  if (dialect->text_format && !ends_in_escape(bytes, len))
    return len;
  if (dialect->unquoted && !dialect->escape)
    return len;
  size_t quotes = dialect->unquoted ? 0 : scan_count(bytes, len, dialect->quote);
  if (quotes == 0 && !(dialect->escape && memchr(bytes, dialect->escape, len)))
    return len;
  if (!dialect_is_plain(dialect) || dialect->comment_length > 0)
    return follow_records(dialect, bytes, len);
  return quotes % 2 == 0 ? len : follow_quotes(dialect, bytes, len);
}

size_t split_footer(const Dialect *dialect, const char *bytes, size_t len, size_t count) {
  size_t start = len;
  for (; count > 0 && start > 0; count--) {
    const char *end = memrchr(bytes, dialect_line_end(dialect), start - 1);
    start = end ? (size_t)(end - bytes) + 1 : 0;
  }
  return len - start;
}

// What the CR or LF that `bytes` begin with says. False: what comes after decides.
static bool line_end_at(const char *bytes, size_t len, bool follows, LineEnd *found) {
  size_t crs = 0;
  while (crs < len && crs < 2 && bytes[crs] == '\r')
    crs++;
  if (crs == len && follows)
    return false;
  bool lf = crs < len && bytes[crs] == '\n';
  *found = !lf ? LINE_CR : crs == 2 ? LINE_CRCRLF : LINE_LF;
  return true;
}

bool split_find_line_end(const Dialect *dialect, const char *bytes, size_t len, bool follows,
                         LineEnd *found) {
  bool quoted = false, field_start = true;
  bool comment = dialect_is_comment(dialect, bytes, bytes + len);
  char last = dialect->delimiter_length > 1
                  ? dialect->longer_delimiter[dialect->delimiter_length - 1]
                  : dialect->delimiter;
  for (size_t i = 0; i < len; i++) {
    char byte = bytes[i];
    bool special = !comment && !dialect->unquoted;
    if (!comment && dialect->escape && byte == dialect->escape && byte != dialect->quote) {
      i++;
      field_start = false;
      continue;
    }
    if (special && byte == dialect->quote)
      quoted = quoted ? false : field_start || (i > 0 && bytes[i - 1] == dialect->quote);
    else if (!quoted && (byte == '\r' || byte == '\n')) {
      return line_end_at(bytes + i, len - i, follows, found);
    }
    field_start = byte == last || (field_start && dialect->skip_blanks && byte == ' ');
  }
  return false;
}
