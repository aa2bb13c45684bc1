// Records and fields of any dialect.
#include "sniff/tokens.h"

#include <stdlib.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

typedef struct Scan {
  const SniffDialect *dialect;
  const char *at;
  const char *end;
  SniffRecord *record;
  bool final;
} Scan;

void sniff_record_free(SniffRecord *record) {
  free(record->fields);
  *record = (SniffRecord){0};
}

// What may end or break an unquoted field.
static bool is_special(const SniffDialect *dialect, char c) {
  return c == '\n' || c == '\r' || (dialect->delimiter_len > 0 && c == dialect->delimiter[0]) ||
         (dialect->quote && c == dialect->quote) || (dialect->escape && c == dialect->escape);
}

static const char *find_special(const SniffDialect *dialect, const char *at, const char *end) {
#ifdef __SSE2__
  const __m128i line = _mm_set1_epi8('\n'), cr = _mm_set1_epi8('\r');
  const __m128i delimiter = _mm_set1_epi8(dialect->delimiter_len ? dialect->delimiter[0] : '\n');
  const __m128i quote = _mm_set1_epi8(dialect->quote ? dialect->quote : '\n');
  const __m128i escape = _mm_set1_epi8(dialect->escape ? dialect->escape : '\n');
  for (; end - at >= 16; at += 16) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i found = _mm_or_si128(_mm_cmpeq_epi8(bytes, line), _mm_cmpeq_epi8(bytes, cr));
    found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, delimiter));
    found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, quote));
    found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, escape));
    int mask = _mm_movemask_epi8(found);
    if (mask)
      return at + __builtin_ctz((unsigned)mask);
  }
#endif
  while (at < end && !is_special(dialect, *at))
    at++;
  return at;
}

static SniffField *add_field(SniffRecord *record) {
  if (record->count == record->cap) {
    size_t cap = record->cap ? 2 * record->cap : 32;
    SniffField *fields = realloc(record->fields, cap * sizeof *fields);
    if (!fields) {
      record->failed = true;
      return NULL;
    }
    record->fields = fields;
    record->cap = cap;
  }
  SniffField *field = &record->fields[record->count++];
  *field = (SniffField){.text = ""};
  return field;
}

static bool at_delimiter(const Scan *scan) {
  size_t len = scan->dialect->delimiter_len;
  if (len == 1)
    return scan->at < scan->end && *scan->at == scan->dialect->delimiter[0];
  return len > 0 && (size_t)(scan->end - scan->at) >= len &&
         memcmp(scan->at, scan->dialect->delimiter, len) == 0;
}

// Bytes of the line end at `at`: 0 when there is none.
static size_t line_end(const Scan *scan, SniffLineEnd *kind) {
  if (*scan->at == '\n') {
    *kind = SNIFF_END_LF;
    return 1;
  }
  if (*scan->at != '\r')
    return 0;
  if (scan->at + 1 < scan->end && scan->at[1] == '\n') {
    *kind = SNIFF_END_CRLF;
    return 2;
  }
  if (scan->dialect->double_return && scan->end - scan->at > 2 && scan->at[1] == '\r' &&
      scan->at[2] == '\n') {
    *kind = SNIFF_END_CRCRLF;
    return 3;
  }
  *kind = SNIFF_END_CR;
  return scan->dialect->carriage_return || (scan->final && scan->at + 1 == scan->end) ? 1 : 0;
}

// Whether the CR at `at` may be part of a line end that is not in sight yet.
static bool is_cut_off(const Scan *scan) {
  ptrdiff_t left = scan->end - scan->at;
  return !scan->final && *scan->at == '\r' &&
         (left == 1 || (left == 2 && scan->dialect->double_return && scan->at[1] == '\r'));
}

// Moves to the end of an unquoted field; false: not within the bytes. `from` is where its text
// starts.
static bool scan_bare(Scan *scan, SniffField *field, const char *from) {
  const SniffDialect *dialect = scan->dialect;
  SniffLineEnd kind;
  for (;;) {
    scan->at = find_special(dialect, scan->at, scan->end);
    if (scan->at == scan->end ? !scan->final : is_cut_off(scan))
      return false;
    if (scan->at == scan->end || at_delimiter(scan) || line_end(scan, &kind))
      break;
    if (dialect->escape && *scan->at == dialect->escape && scan->at + 1 < scan->end) {
      field->escaped = true;
      scan->at++;
    } else if (*scan->at == '\r') {
      scan->record->lone_cr = true;
    } else if (dialect->quote && *scan->at == dialect->quote) {
      field->broken = scan->record->broken = true;
    }
    scan->at++;
  }
  field->text = from;
  field->len = (uint32_t)(scan->at - from);
  return true;
}

static const char *find_quote(const SniffDialect *dialect, const char *at, const char *end) {
  if (!dialect->escape)
    return memchr(at, dialect->quote, (size_t)(end - at));
  for (; at < end; at++)
    if (*at == dialect->quote || *at == dialect->escape)
      return at;
  return NULL;
}

static size_t count_lines(const Scan *scan, const char *at, const char *end) {
  char line = scan->dialect->carriage_return ? '\r' : '\n';
  size_t count = 0;
  while ((at = memchr(at, line, (size_t)(end - at)))) {
    count++;
    at++;
  }
  return count;
}

// Past the closing quote, which may be the last byte; NULL: not in sight.
static const char *closing_quote(const Scan *scan, SniffField *field, const char *at) {
  const SniffDialect *dialect = scan->dialect;
  for (;;) {
    at = find_quote(dialect, at, scan->end);
    if (!at || (at + 1 == scan->end && !scan->final))
      return NULL;
    bool escape = dialect->escape && *at == dialect->escape;
    bool doubled = !escape && at + 1 < scan->end && at[1] == dialect->quote;
    if (!escape && !doubled)
      return at + 1;
    if (at + 1 == scan->end)
      return NULL;
    field->escaped = true;
    at += 2;
  }
}

// A field that starts with a quote at `at`. False: not in sight.
static bool scan_quoted(Scan *scan, SniffField *field) {
  const char *open = scan->at;
  const char *close = closing_quote(scan, field, open + 1);
  SniffLineEnd kind;
  if (!close)
    return false;
  scan->record->lines += count_lines(scan, open, close);
  scan->at = close;
  if (scan->dialect->blanks_after_quote && !at_delimiter(scan))
    while (scan->at < scan->end && *scan->at == ' ')
      scan->at++;
  field->trailed = scan->at > close;
  if (!scan->final && scan->end - scan->at < SNIFF_DELIMITER_SIZE + 1 &&
      !memchr(scan->at, '\n', (size_t)(scan->end - scan->at)))
    return false;
  if (scan->at == scan->end || at_delimiter(scan) || line_end(scan, &kind)) {
    field->quoted = scan->record->quoted = true;
    field->text = open + 1;
    field->len = (uint32_t)(close - 1 - field->text);
    return true;
  }
  field->broken = scan->record->broken = true; // data after the closing quote
  return scan_bare(scan, field, open);
}

static bool scan_field(Scan *scan) {
  SniffField *field = add_field(scan->record);
  if (!field)
    return false;
  const char *from = scan->at;
  if (scan->dialect->skip_blanks)
    while (from < scan->end && *from == ' ')
      from++;
  field->led = from > scan->at;
  scan->at = from;
  if (scan->dialect->quote && from < scan->end && *from == scan->dialect->quote)
    return scan_quoted(scan, field);
  return scan_bare(scan, field, from);
}

static bool is_comment(const Scan *scan) {
  size_t len = strlen(scan->dialect->comment);
  return len > 0 && (size_t)(scan->end - scan->at) >= len &&
         memcmp(scan->at, scan->dialect->comment, len) == 0;
}

// The physical line at `at` by itself.
static bool scan_line(Scan *scan) {
  SniffLineEnd kind = SNIFF_END_NONE;
  size_t skipped = 0;
  for (; scan->at < scan->end; scan->at++)
    if ((skipped = line_end(scan, &kind)) > 0)
      break;
  if (scan->at == scan->end && !scan->final)
    return false;
  scan->at += skipped;
  scan->record->end = skipped ? kind : SNIFF_END_NONE;
  scan->record->lines = 1;
  return true;
}

static bool scan_record(Scan *scan) {
  SniffRecord *record = scan->record;
  SniffLineEnd kind = SNIFF_END_NONE;
  size_t skipped = 0;
  for (;;) {
    if (!scan_field(scan))
      return false;
    if (scan->at == scan->end)
      break;
    skipped = line_end(scan, &kind);
    if (skipped)
      break;
    scan->at += scan->dialect->delimiter_len;
  }
  if (scan->at == scan->end && !scan->final)
    return false;
  scan->at += skipped;
  record->end = skipped ? kind : SNIFF_END_NONE;
  const SniffField *last = &record->fields[record->count - 1];
  if (scan->dialect->trailing_delimiter && record->count > 1 && last->len == 0 && !last->quoted)
    record->count--;
  return true;
}

static void reset(SniffRecord *record) {
  SniffField *fields = record->fields;
  size_t cap = record->cap;
  *record = (SniffRecord){.fields = fields, .cap = cap, .lines = 1};
}

bool sniff_record_read(const SniffDialect *dialect, const char *bytes, size_t len, bool final,
                       SniffRecord *record) {
  Scan scan = {dialect, bytes, bytes + len, record, final};
  SniffLineEnd kind;
  bool good;
  reset(record);
  if (len == 0 || is_cut_off(&scan))
    return false;
  record->blank = line_end(&scan, &kind) > 0;
  record->comment = !record->blank && is_comment(&scan);
  if (record->blank || record->comment) {
    good = scan_line(&scan);
  } else {
    good = scan_record(&scan);
    // A quote that nothing closes, or one that closes in another line where it may not: as when
    // reading, that swallows no line but its own.
    bool open = !good && final;
    if (!record->failed && (open || (good && record->broken && record->lines > 1))) {
      scan.at = bytes;
      reset(record);
      record->unterminated = true;
      good = scan_line(&scan);
    }
  }
  record->length = (size_t)(scan.at - bytes);
  return good;
}

const char *sniff_unescape(const SniffDialect *dialect, const SniffField *field, Buffer *out,
                           size_t *len) {
  *len = field->len;
  if (!field->escaped || dialect->text_format)
    return field->text;
  char first = dialect->escape ? dialect->escape : dialect->quote;
  buffer_clear(out);
  if (!buffer_reserve(out, field->len))
    return field->text;
  for (size_t i = 0; i < field->len; i++) {
    bool doubled = field->text[i] == dialect->quote && field->quoted;
    if ((field->text[i] == first || doubled) && i + 1 < field->len)
      i++;
    out->data[out->len++] = field->text[i];
  }
  *len = out->len;
  return out->data;
}

size_t sniff_filled(const SniffRecord *record) {
  size_t filled = 0;
  for (size_t i = 0; i < record->count; i++)
    filled += record->fields[i].len > 0 || record->fields[i].quoted;
  return filled;
}

size_t sniff_skip_lines(const SniffDialect *dialect, const char *bytes, size_t len, size_t lines) {
  size_t at = 0;
  for (; lines > 0 && at < len; lines--) {
    const char *end = memchr(bytes + at, dialect->carriage_return ? '\r' : '\n', len - at);
    at = end ? (size_t)(end - bytes) + 1 : len;
  }
  if (dialect->carriage_return && at > 0 && at < len && bytes[at] == '\n')
    at++;
  return at;
}
