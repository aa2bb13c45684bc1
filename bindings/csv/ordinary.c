// Ordinary records by SIMD: a bit per byte that matters (delimiter, quote, CR, LF), then a walk
// from bit to bit. The idea of the bit masks is that of simdjson and simdcsv (Langdale, Lemire,
// "Parsing Gigabytes of JSON per Second", 2019).
#include "csv/ordinary.h"

bool ordinary_knows(const Dialect *dialect) {
  return dialect->line_end == LINE_LF && dialect->delimiter_length <= 1 &&
         (!dialect->escape || dialect->text_format) && !dialect->skip_blanks &&
         !dialect->libcsv_only && !dialect->general_only;
}

#ifdef __SSE2__

#include <emmintrin.h>

enum { WINDOW = 64, NO_BYTE = 256 };

// Walks over the bytes that matter.
typedef struct Walk {
  const char *bytes;
  size_t len;
  size_t base;   // of the window
  uint64_t mask; // bytes of the window that matter and were not visited yet
  char delimiter;
  int quote;  // NO_BYTE: there is none
  int escape; // of the text format; NO_BYTE in others. Only one of the two is a byte
} Walk;

static uint64_t mask16(const char *at, __m128i delimiter, __m128i quote) {
  __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
  __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(bytes, delimiter), _mm_cmpeq_epi8(bytes, quote));
  hit = _mm_or_si128(hit, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n')));
  hit = _mm_or_si128(hit, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\r')));
  return (uint64_t)(uint32_t)_mm_movemask_epi8(hit);
}

static uint64_t mask64(const Walk *walk, const char *at) {
  __m128i delimiter = _mm_set1_epi8(walk->delimiter);
  int special = walk->quote == NO_BYTE ? walk->escape : walk->quote;
  __m128i quote = special == NO_BYTE ? delimiter : _mm_set1_epi8((char)special);
  return mask16(at, delimiter, quote) | mask16(at + 16, delimiter, quote) << 16 |
         mask16(at + 32, delimiter, quote) << 32 | mask16(at + 48, delimiter, quote) << 48;
}

static void load_window(Walk *walk) {
  size_t left = walk->len - walk->base;
  if (left >= WINDOW) {
    walk->mask = mask64(walk, walk->bytes + walk->base);
    return;
  }
  char padded[WINDOW] = {0};
  memcpy(padded, walk->bytes + walk->base, left);
  walk->mask = mask64(walk, padded) & ((UINT64_C(1) << left) - 1);
}

// The next byte that matters; len at the end.
static inline size_t next_hit(Walk *walk) {
  while (walk->mask == 0) {
    walk->base += WINDOW;
    if (walk->base >= walk->len) {
      walk->base = walk->len;
      return walk->len;
    }
    load_window(walk);
  }
  size_t at = walk->base + (size_t)__builtin_ctzll(walk->mask);
  walk->mask &= walk->mask - 1;
  return at;
}

// The record being read.
typedef struct Draft {
  Batch *batch;
  size_t field_mark;
  size_t text_mark;
  uint64_t line_feeds;
  bool failed; // out of memory
} Draft;

static inline void add_field(Draft *draft, const char *data, size_t len, bool null) {
  Field *field = batch_add_field(draft->batch);
  if (field)
    *field = (Field){data, (uint32_t)len, null};
  else
    draft->failed = true;
}

static void add_unescaped(Draft *draft, const char *content, size_t len, char quote) {
  Buffer *text = &draft->batch->text;
  char *start = text->data + text->len, *out = start;
  for (size_t i = 0; i < len; i++) {
    *out++ = content[i];
    i += content[i] == quote;
  }
  text->len += (size_t)(out - start);
  add_field(draft, start, (size_t)(out - start), false);
}

// A quoted field whose opening quote is at `open`; the walk stands after it. Returns the place
// after the closing quote, len when that is not in sight.
static size_t read_quoted(Walk *walk, Draft *draft, size_t open) {
  bool doubled = false;
  for (size_t at = next_hit(walk); at < walk->len; at = next_hit(walk)) {
    if (walk->bytes[at] != walk->quote) {
      draft->line_feeds += walk->bytes[at] == '\n';
      continue;
    }
    if (at + 1 < walk->len && walk->bytes[at + 1] == walk->quote) {
      next_hit(walk);
      doubled = true;
      continue;
    }
    const char *content = walk->bytes + open + 1;
    if (doubled)
      add_unescaped(draft, content, at - open - 1, (char)walk->quote);
    else
      add_field(draft, content, at - open - 1, false);
    return at + 1;
  }
  return walk->len;
}

// A NULL of the text format whose escape is at `field`: returns the place after it, where the walk
// then stands. 0: another escape.
static size_t read_null(Walk *walk, Draft *draft, size_t field) {
  size_t after = field + 2;
  if (after >= walk->len || walk->bytes[field + 1] != 'N' || next_hit(walk) != after)
    return 0;
  add_field(draft, "", 0, true);
  return after;
}

// What ended a record, if it was ordinary.
typedef struct End {
  size_t length; // place of the line end
  size_t used;   // place after it; 0: not an ordinary record
} End;

static const End NOT_ORDINARY = {0, 0};

static End line_end_at(const Walk *walk, size_t at) {
  if (walk->bytes[at] == '\n')
    return (End){at, at + 1};
  bool crlf = walk->bytes[at] == '\r' && at + 1 < walk->len && walk->bytes[at + 1] == '\n';
  return crlf ? (End){at, at + 2} : NOT_ORDINARY;
}

// Reads the record of the text format that starts at `start`: no quotes, and no escape but that of
// NULL.
static End read_text_record(Walk *walk, Draft *draft, size_t start) {
  for (size_t field = start;;) {
    size_t at = next_hit(walk);
    bool null = at < walk->len && at == field && walk->bytes[at] == walk->escape;
    if (null && !(at = read_null(walk, draft, field)))
      return NOT_ORDINARY;
    if (at == walk->len || walk->bytes[at] == walk->escape)
      return NOT_ORDINARY;
    if (!null)
      add_field(draft, walk->bytes + field, at - field, false);
    if (walk->bytes[at] != walk->delimiter)
      return at == start ? NOT_ORDINARY : line_end_at(walk, at);
    field = at + 1;
  }
}

// Reads the record that starts at `start`, where the walk stands.
static End read_record(Walk *walk, Draft *draft, size_t start) {
  if (walk->escape != NO_BYTE)
    return read_text_record(walk, draft, start);
  for (size_t field = start;;) {
    size_t at = next_hit(walk);
    bool quoted = at < walk->len && at == field && walk->bytes[at] == walk->quote;
    if (quoted) {
      size_t after = read_quoted(walk, draft, at);
      if (after >= walk->len || next_hit(walk) != after)
        return NOT_ORDINARY;
      at = after;
    }
    if (at == walk->len || walk->bytes[at] == walk->quote)
      return NOT_ORDINARY;
    if (!quoted)
      add_field(draft, walk->bytes + field, at - field, at == field);
    if (walk->bytes[at] != walk->delimiter)
      return at == start ? NOT_ORDINARY : line_end_at(walk, at);
    field = at + 1;
  }
}

static RecordError count_error(uint32_t fields, uint32_t columns) {
  if (columns == 0 || fields == columns)
    return RECORD_OK;
  return fields < columns ? RECORD_TOO_FEW_FIELDS : RECORD_TOO_MANY_FIELDS;
}

// Most records have the right number of fields and differ from the header in their first byte.
static bool is_odd(const Dialect *dialect, const Batch *batch, const Record *record) {
  if (record->error != RECORD_OK || dialect->header_count > 1 || dialect->max_field > 0)
    return true;
  if (dialect->header_count == 0)
    return false;
  const Field *first = &batch->fields[record->field_start], *name = dialect->header[0].fields;
  return first->len == name->len && (name->len == 0 || first->data[0] == name->data[0]);
}

static void add_record(const Dialect *dialect, const Walk *walk, Draft *draft, size_t start,
                       End end, Position *position) {
  Record *record = batch_add_record(draft->batch);
  draft->failed = draft->failed || !record;
  if (draft->failed)
    return;
  uint32_t fields = (uint32_t)(draft->batch->field_count - draft->field_mark);
  RecordError error = count_error(fields, dialect->columns);
  if (dialect->too_many == MANY_EXTRA && dialect->columns && error == RECORD_OK) {
    add_field(draft, "", 0, true);
    fields++;
  }
  *record = (Record){
      .offset = position->offset,
      .line = position->line,
      .bytes = walk->bytes + start,
      .length = (uint32_t)(end.length - start),
      .field_start = (uint32_t)draft->field_mark,
      .field_count = fields,
      .error = error,
  };
  draft->batch->odd = draft->batch->odd || is_odd(dialect, draft->batch, record);
  position->offset += end.used - start;
  position->line += draft->line_feeds + 1;
}

static void skip_line_feed(Walk *walk, End end) {
  if (end.used - end.length == 2)
    next_hit(walk);
}

// A comment or a byte order mark.
static inline bool opens_oddly(const Dialect *dialect, const char *at, const char *end) {
  return (dialect->comment_length > 0 && dialect_is_comment(dialect, at, end)) ||
         (*at == '\xef' && dialect_is_mark(dialect, at, end));
}

// Whether the record, over several lines and of another width, is one whose first quote was never
// closed: something to repair.
static inline bool may_be_open(const Dialect *dialect, const Draft *draft) {
  return draft->line_feeds > 0 && dialect->repair_quotes &&
         draft->batch->field_count - draft->field_mark != dialect->columns;
}

size_t ordinary_read(const Dialect *dialect, const char *bytes, size_t len, size_t limit,
                     Position *position, Batch *batch, bool *failed) {
  if (len == 0)
    return 0;
  uint64_t most_line_feeds = dialect->max_record_lines ? dialect->max_record_lines - 1 : UINT64_MAX;
  Walk walk = {.bytes = bytes,
               .len = len,
               .delimiter = dialect->delimiter,
               .quote = dialect->unquoted ? NO_BYTE : dialect->quote,
               .escape = dialect->text_format ? dialect->escape : NO_BYTE};
  load_window(&walk);
  size_t start = 0;
  while (start < len && (limit == 0 || batch->record_count < limit)) {
    Draft draft = {batch, batch->field_count, batch->text.len, 0, false};
    End end = opens_oddly(dialect, bytes + start, bytes + len) ? NOT_ORDINARY
                                                               : read_record(&walk, &draft, start);
    if (end.used == 0 || may_be_open(dialect, &draft) || end.length - start > dialect->max_record ||
        draft.line_feeds > most_line_feeds) {
      batch->field_count = draft.field_mark;
      batch->text.len = draft.text_mark;
      *failed = *failed || draft.failed;
      return start;
    }
    add_record(dialect, &walk, &draft, start, end, position);
    if (draft.failed) {
      *failed = true;
      return start;
    }
    skip_line_feed(&walk, end);
    start = end.used;
  }
  return start;
}

#else

size_t ordinary_read(const Dialect *dialect, const char *bytes, size_t len, size_t limit,
                     Position *position, Batch *batch, bool *failed) {
  (void)dialect, (void)bytes, (void)len, (void)limit, (void)position, (void)batch, (void)failed;
  return 0;
}

#endif
