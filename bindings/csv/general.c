// See general.h. A field is a view into the line where it can be; with doubled quotes or escapes
// its pieces are copied into the batch's text.
#include "csv/general.h"

#include <string.h>

static char foreign_byte(const Dialect *dialect) {
  return dialect->line_end == LINE_CR ? '\n' : '\r';
}

General general_new(const Dialect *dialect) {
  General general = {.dialect = dialect};
  general.special[(unsigned char)dialect->delimiter] = true;
  general.special[(unsigned char)foreign_byte(dialect)] = true;
  if (!dialect->unquoted)
    general.special[(unsigned char)dialect->quote] = true;
  if (dialect->escape)
    general.special[(unsigned char)dialect->escape] = true;
  return general;
}

void general_begin(General *general, Batch *batch) {
  general->batch = batch;
  general->fields = 0;
  general->place = AT_START;
  general->blanks = general->made_bytes = false;
}

static bool is_quote(const Dialect *dialect, char byte) {
  return !dialect->unquoted && byte == dialect->quote;
}

static bool is_escape(const Dialect *dialect, char byte) {
  return dialect->escape && byte == dialect->escape;
}

// Fields

static void start_field(General *general, const char *from) {
  general->from = general->start = from;
  general->copied = false;
  general->text_start = general->batch ? general->batch->text.len : 0;
}

// Copies what comes before `at`; the field continues at `next`.
static void copy_piece(General *general, const char *at, const char *next) {
  if (general->batch)
    buffer_put(&general->batch->text, general->from, (size_t)(at - general->from));
  general->from = next;
  general->copied = true;
}

static void end_field(General *general, const char *at, bool quoted) {
  general->fields++;
  if (!general->batch)
    return;
  Field *field = batch_add_field(general->batch);
  if (!field) {
    general->failed = true;
    return;
  }
  bool text_format = general->dialect->text_format;
  if (text_format && at - general->start == 2 && memcmp(general->start, "\\N", 2) == 0) {
    *field = (Field){"", 0, true};
    return;
  }
  if (!general->copied) {
    size_t len = (size_t)(at - general->from);
    *field = (Field){len ? general->from : "", (uint32_t)len, len == 0 && !quoted && !text_format};
    return;
  }
  copy_piece(general, at, at);
  const Buffer *text = &general->batch->text;
  *field =
      (Field){text->data + general->text_start, (uint32_t)(text->len - general->text_start), false};
}

// Feeding. Each step continues from `at` and returns where the next one starts, or NULL when *fed
// is the result for the line.

typedef struct Step {
  const char *end;  // of the line's content
  const char *stop; // after its line end
  bool ended;
  Fed fed;
  RecordError error;
} Step;

static const char *give(Step *step, Fed fed) {
  step->fed = fed;
  return NULL;
}

static const char *fail(Step *step, RecordError error) {
  step->error = error;
  return give(step, FED_ERROR);
}

static RecordError foreign_error(const Dialect *dialect) {
  return dialect->line_end == LINE_CR ? RECORD_LINE_FEED : RECORD_CARRIAGE_RETURN;
}

static const char *step_start(General *general, const Step *step, const char *at) {
  const Dialect *dialect = general->dialect;
  while (dialect->skip_blanks && at < step->end && *at == ' ')
    at++;
  bool quoted = at < step->end && is_quote(dialect, *at);
  at += quoted;
  start_field(general, at);
  general->place = quoted ? IN_QUOTES : IN_PLAIN;
  return at;
}

// Digits of a base, at most `most` of them, from `at` on; *value is what they are.
static const char *take_digits(const char *at, const char *end, int base, int most, int *value) {
  *value = 0;
  for (; most > 0 && at < end; most--, at++) {
    int digit = *at >= '0' && *at <= '9'   ? *at - '0'
                : *at >= 'a' && *at <= 'f' ? *at - 'a' + 10
                : *at >= 'A' && *at <= 'F' ? *at - 'A' + 10
                                           : base;
    if (digit >= base)
      break;
    *value = *value * base + digit;
  }
  return at;
}

// The byte that the escape of the text format at `at` stands for; returns the place after it.
// https://www.postgresql.org/docs/current/sql-copy.html, "Text Format".
static const char *read_escape(const char *at, const char *end, int *byte, bool *made) {
  static const char letters[] = "bfnrtv", bytes[] = "\b\f\n\r\t\v";
  const char *letter = memchr(letters, *at, sizeof letters - 1);
  *byte = letter ? bytes[letter - letters] : *at;
  *made = false;
  const char *after = at + 1;
  int value;
  if (*at >= '0' && *at <= '7')
    after = take_digits(at, end, 8, 3, &value);
  else if (*at != 'x' || (after = take_digits(at + 1, end, 16, 2, &value)) == at + 1)
    return after;
  *byte = value & 0xff;
  *made = *byte == 0 || *byte >= 0x80;
  return after;
}

// The escape at `at` of the text format, which is not at the end of the line.
static const char *step_text_escape(General *general, const Step *step, const char *at) {
  int byte;
  bool made;
  const char *after = read_escape(at + 1, step->end, &byte, &made);
  copy_piece(general, at, after);
  char data = (char)byte;
  if (general->batch)
    buffer_put(&general->batch->text, &data, 1);
  general->made_bytes = general->made_bytes || made;
  return after;
}

// The escape at `at` outside quotes: also a line end after it is data.
static const char *step_escape(General *general, Step *step, const char *at) {
  if (general->dialect->text_format && at + 1 < step->end)
    return step_text_escape(general, step, at);
  if (general->dialect->text_format && !step->ended) {
    copy_piece(general, at, at + 1);
    return at + 1;
  }
  if (at + 1 < step->end) {
    copy_piece(general, at, at + 1);
    return at + 2;
  }
  if (!step->ended)
    return at + 1;
  copy_piece(general, at, step->end);
  return give(step, FED_MORE);
}

static const char *step_plain(General *general, Step *step, const char *at) {
  const Dialect *dialect = general->dialect;
  while (at < step->end && !general->special[(unsigned char)*at])
    at++;
  if (at == step->end) {
    end_field(general, at, false);
    return give(step, FED_RECORD);
  }
  if (dialect_is_delimiter(dialect, at, step->end)) {
    end_field(general, at, false);
    general->place = AT_START;
    return at + dialect_delimiter_length(dialect);
  }
  if (is_escape(dialect, *at))
    return step_escape(general, step, at);
  if (is_quote(dialect, *at))
    return fail(step, RECORD_STRAY_QUOTE);
  if (*at == foreign_byte(dialect))
    return fail(step, foreign_error(dialect));
  return at + 1; // the first byte of a longer delimiter, alone
}

static const char *find_quoted(const Dialect *dialect, const char *at, const char *stop) {
  if (!dialect->escape)
    return memchr(at, dialect->quote, (size_t)(stop - at));
  while (at < stop && *at != dialect->quote && *at != dialect->escape)
    at++;
  return at < stop ? at : NULL;
}

static const char *step_quoted(General *general, Step *step, const char *at) {
  const Dialect *dialect = general->dialect;
  const char *hit = at < step->stop ? find_quoted(dialect, at, step->stop) : NULL;
  if (hit && is_escape(dialect, *hit) && hit + 1 == step->stop)
    hit = NULL; // at the end of everything
  if (!hit)
    return step->ended ? give(step, FED_MORE) : fail(step, RECORD_UNTERMINATED_QUOTE);
  bool doubled = hit + 1 < step->stop && *hit == dialect->quote && hit[1] == dialect->quote;
  if (doubled || is_escape(dialect, *hit)) {
    copy_piece(general, hit, hit + 1);
    return hit + 2;
  }
  end_field(general, hit, true);
  general->place = BEHIND_QUOTE;
  return hit + 1;
}

static const char *step_after(General *general, Step *step, const char *at) {
  const Dialect *dialect = general->dialect;
  const char *quote = at;
  while (dialect->blanks_after_quote && at < step->end && *at == ' ' && dialect->delimiter != ' ')
    at++;
  general->blanks = general->blanks || at > quote;
  if (at == step->end)
    return give(step, FED_RECORD);
  if (dialect_is_delimiter(dialect, at, step->end)) {
    general->place = AT_START;
    return at + dialect_delimiter_length(dialect);
  }
  return fail(step, *at == foreign_byte(dialect) ? foreign_error(dialect) : RECORD_STRAY_QUOTE);
}

static const char *take_step(General *general, Step *step, const char *at) {
  switch (general->place) {
  case AT_START:
    return step_start(general, step, at);
  case IN_PLAIN:
    return step_plain(general, step, at);
  case IN_QUOTES:
    return step_quoted(general, step, at);
  case BEHIND_QUOTE:
    break;
  }
  return step_after(general, step, at);
}

Fed general_feed(General *general, const PhysicalLine *line, RecordError *error) {
  Step step = {.end = line->bytes + line->length,
               .stop = line->bytes + line->used,
               .ended = line->ended,
               .error = RECORD_OK};
  for (const char *at = line->bytes; at;)
    at = take_step(general, &step, at);
  *error = step.error;
  return step.fed;
}

size_t general_field_start(General *general, const char *bytes, size_t len, size_t n) {
  Step step = {.end = bytes + len, .stop = bytes + len};
  general_begin(general, NULL);
  const char *at = bytes;
  while (at && !(general->place == AT_START && general->fields == n))
    at = take_step(general, &step, at);
  return at ? (size_t)(at - bytes) : len;
}
