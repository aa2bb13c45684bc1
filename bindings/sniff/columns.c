// What the columns of a file hold.
#include "sniff/columns.h"

#include <stdlib.h>

#include "sniff/formats.h"

enum {
  FORMAT_TRIES = 64,    // values in which a format is looked for
  DOUBLE_DIGITS = 15,   // that every double keeps (DBL_DIG)
  EXAMPLE_TRIES = 1000, // values in which examples are looked for
};

#define BIT(kind) (1u << (kind))

static const uint32_t all_kinds = BIT(SNIFF_FORMAT) - 1;
static const uint32_t numbers = BIT(SNIFF_BIGINT) | BIT(SNIFF_NUMERIC) | BIT(SNIFF_DOUBLE) |
                                BIT(SNIFF_NUMERIC_COMMA) | BIT(SNIFF_NUMERIC_GROUPED);

static const uint32_t moments = ~(BIT(SNIFF_TIME) - 1) & ~BIT(SNIFF_UUID) & ~BIT(SNIFF_JSON);

static const Type types[SNIFF_FORMAT] = {
    [SNIFF_BOOLEAN] = {.kind = &type_boolean, .plain = true},
    [SNIFF_BIGINT] = {.kind = &type_bigint},
    [SNIFF_NUMERIC] = {.kind = &type_numeric},
    [SNIFF_DOUBLE] = {.kind = &type_double},
    [SNIFF_NUMERIC_COMMA] = {.kind = &type_numeric},
    [SNIFF_NUMERIC_GROUPED] = {.kind = &type_numeric},
    [SNIFF_DATE] = {.kind = &type_date, .plain = true},
    [SNIFF_TIME] = {.kind = &type_time, .plain = true},
    [SNIFF_TIMESTAMP] = {.kind = &type_timestamp, .plain = true},
    [SNIFF_TIMESTAMPTZ] = {.kind = &type_timestamptz, .plain = true},
    [SNIFF_UUID] = {.kind = &type_uuid},
    [SNIFF_JSON] = {.kind = &type_jsonb},
};

bool sniff_columns_open(SniffColumns *columns, size_t count) {
  *columns = (SniffColumns){.count = count};
  columns->list = calloc(count ? count : 1, sizeof *columns->list);
  for (size_t i = 0; columns->list && i < count; i++) {
    columns->list[i].alive = all_kinds;
    columns->list[i].min_length = SIZE_MAX;
  }
  return columns->list != NULL;
}

void sniff_columns_close(SniffColumns *columns) {
  free(columns->list);
  buffer_free(&columns->scratch);
  buffer_free(&columns->text);
  *columns = (SniffColumns){0};
}

static bool is_digit(char c) {
  return (unsigned char)(c - '0') < 10;
}

// What numbers lose

static void count_number(SniffLosses *losses, const char *at, const char *end) {
  bool minus = at < end && *at == '-', zero = true;
  const char *exponent = NULL, *from;
  size_t digits = 0, points = 0, commas = 0;
  losses->plus_signs += at < end && *at == '+';
  at += at < end && (*at == '-' || *at == '+');
  losses->leading_zeros += end - at > 1 && *at == '0' && is_digit(at[1]);
  for (from = at; at < end && !exponent; at++) {
    zero = zero && !(*at >= '1' && *at <= '9');
    digits += is_digit(*at) && !zero;
    points += *at == '.';
    commas += *at == ',';
    exponent = (*at | 0x20) == 'e' ? at : NULL;
  }
  losses->minus_zeros += minus && zero && is_digit(*from);
  losses->long_numbers += digits > DOUBLE_DIGITS;
  losses->exponents += exponent != NULL;
  losses->bare_exponents += exponent && points == 0 && !minus && at < end && is_digit(*at);
  losses->both_signs += points > 0 && commas > 0;
}

static bool is_letter(char c) {
  return (unsigned char)((c | 0x20) - 'a') < 26;
}

// Digits in groups of three with `group` between them, or without; then `point` and digits.
static bool is_grouped(const char *at, const char *end, char group, char point) {
  size_t run = 0, groups = 0;
  if (at < end && (*at == '-' || *at == '+'))
    at++;
  bool zero = end - at > 1 && *at == '0' && at[1] == group; // 0,123 has no thousands
  for (; at < end && !zero && (is_digit(*at) || *at == group); at++) {
    if (is_digit(*at)) {
      run++;
      continue;
    }
    if (groups == 0 ? run < 1 || run > 3 : run != 3)
      return false;
    groups++;
    run = 0;
  }
  if (run == 0 || (groups > 0 && run != 3))
    return false;
  if (at == end)
    return true;
  if (*at++ != point || at == end)
    return false;
  while (at < end && is_digit(*at))
    at++;
  return at == end;
}

// Whether a value could lose something of the plain number, whose sign ends at `from`.
static bool is_odd(const char *text, const char *from, const char *end, size_t whole) {
  return *text == '+' || end - from > DOUBLE_DIGITS || (*from == '0' && (whole > 1 || from > text));
}

// A plain number of few digits is one for every parser: the kinds that it is of. 0: ask them.
static uint32_t plain_number(const char *text, const char *end, SniffLosses *losses) {
  const char *at = text + (text < end && (*text == '-' || *text == '+')), *from = at;
  while (at < end && is_digit(*at))
    at++;
  size_t whole = (size_t)(at - from);
  if (whole == 0 || whole > 18)
    return 0;
  bool point = at < end && *at == '.';
  const char *fraction = at + point;
  for (at = fraction; at < end && is_digit(*at);)
    at++;
  if (at != end || (point && (at == fraction || at - fraction > 18)))
    return 0;
  if (is_odd(text, from, end, whole))
    count_number(losses, text, end);
  if (!point)
    return numbers;
  bool grouped = at - fraction == 3 && whole <= 3 && *from != '0';
  return BIT(SNIFF_NUMERIC) | BIT(SNIFF_DOUBLE) | BIT(SNIFF_NUMERIC_GROUPED) |
         (grouped ? BIT(SNIFF_NUMERIC_COMMA) : 0);
}

// What times lose

// The colon of a time: the last one before a zone.
static const char *minutes_of(const char *text, size_t len) {
  const char *colon = memchr(text, ':', len);
  return colon && colon > text && is_digit(colon[-1]) ? colon : NULL;
}

static bool has_zone(const char *text, size_t len) {
  const char *at = minutes_of(text, len), *end = text + len;
  while (at && at < end && *at != '+' && *at != '-' && !is_letter(*at))
    at++;
  return at && at < end && !(end - at == 2 && (at[1] | 0x20) == 'm'); // 10:00 PM
}

static bool is_rounded(const char *text, size_t len) {
  const char *at = minutes_of(text, len), *end = text + len;
  if (!at)
    return false;
  for (at++; at < end && is_digit(*at);)
    at++;
  if (end - at > 2 && at[0] == ':' && at[1] == '6')
    return true;
  at = memchr(at, '.', (size_t)(end - at));
  for (size_t i = 0; at && ++at < end && is_digit(*at); i++)
    if (i >= 6 && *at != '0')
      return true;
  return false;
}

// "2024-05-01 10:00:00", as most are: neither a zone nor decimals.
static bool is_plain_moment(const char *text, size_t len) {
  return len == 19 && text[13] == ':' && text[16] == ':' && text[17] != '6' && is_digit(text[18]);
}

// Whether the type keeps what the text says; the server's own parsers ignore what they do not need.
static bool keeps_all(size_t kind, const char *text, size_t len) {
  switch (kind) {
  case SNIFF_DATE:
    return !memchr(text, ':', len);
  case SNIFF_TIME:
  case SNIFF_TIMESTAMP:
    return is_plain_moment(text, len) || !has_zone(text, len);
  case SNIFF_BIGINT:
  case SNIFF_NUMERIC:
  case SNIFF_DOUBLE:
    return !memchr(text, '_', len) && !memchr(text, 'x', len) && !memchr(text, 'X', len);
  default:
    return true;
  }
}

// Remembers one spelling of false and of true.
static void count_boolean(SniffColumn *column, bool value, const char *text, size_t len) {
  char *known = column->spellings[value];
  bool fits = len < sizeof column->spellings[0];
  if (*known == 0 && fits)
    memcpy(known, text, len);
  else
    column->losses.respelled += !fits || known[len] != 0 || memcmp(known, text, len) != 0;
}

// As the server writes it: lower case, with hyphens.
static bool is_plain_uuid(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (text[i] >= 'A' && text[i] <= 'F')
      return false;
  return len == 36;
}

static bool parses(SniffColumns *columns, SniffColumn *column, size_t kind, const char *text,
                   size_t len) {
  const Type *type = kind >= SNIFF_FORMAT ? &column->types[kind - SNIFF_FORMAT] : &types[kind];
  const char *reason;
  Value value;
  buffer_clear(&columns->scratch);
  if (kind == SNIFF_NUMERIC_COMMA)
    return is_grouped(text, text + len, '.', ',');
  if (kind == SNIFF_NUMERIC_GROUPED)
    return is_grouped(text, text + len, ',', '.');
  if (kind == SNIFF_JSON && *text != '{' && *text != '[')
    return false; // a number or a word is JSON, too, but none that anybody means
  if (!type_parse(type, text, len, &columns->scratch, &value, &reason) ||
      !keeps_all(kind, text, len))
    return false;
  if (kind == SNIFF_BOOLEAN)
    count_boolean(column, value.integer != 0, text, len);
  else if (kind == SNIFF_UUID)
    column->losses.respelled += !is_plain_uuid(text, len);
  return true;
}

// What a value that is not a plain number would lose as each of its kinds.
static void count_losses(SniffColumn *column, uint32_t good, const char *text, size_t len) {
  if (good & numbers)
    count_number(&column->losses, text, text + len);
  if (!(good & moments) || is_plain_moment(text, len))
    return;
  column->losses.zoned += good & BIT(SNIFF_TIMESTAMPTZ) && has_zone(text, len);
  column->losses.rounded += is_rounded(text, len);
}

static uint32_t kinds_of(SniffColumns *columns, SniffColumn *column, const char *text, size_t len) {
  uint32_t plain = plain_number(text, text + len, &column->losses), good = plain;
  uint32_t asked = column->alive & ~good;
  if (good) // no other type but those takes a plain number
    asked &= BIT(SNIFF_BOOLEAN) | ~all_kinds;
  for (size_t kind = 0; asked >> kind; kind++) {
    if (!(asked >> kind & 1) || good >> kind & 1 || !parses(columns, column, kind, text, len))
      continue;
    good |= BIT(kind);
    if (kind == SNIFF_TIMESTAMP)
      good |= BIT(SNIFF_TIMESTAMPTZ); // takes whatever that takes
  }
  if (!plain && good)
    count_losses(column, good, text, len);
  return good;
}

static void set_example(SniffExample *example, const char *text, size_t len, uint64_t line) {
  example->cut = len > SNIFF_EXAMPLE_SIZE;
  example->len = (uint8_t)(example->cut ? SNIFF_EXAMPLE_SIZE : len);
  example->line = line;
  memcpy(example->text, text, example->len);
  // No half character at its end.
  while (example->cut && example->len > 0 && ((unsigned char)text[example->len] & 0xc0) == 0x80)
    example->len--;
}

static void add_example(SniffColumn *column, const char *text, size_t len, uint64_t line) {
  for (size_t i = 0; i < column->example_count; i++) {
    const SniffExample *known = &column->examples[i];
    if (memcmp(known->text, text, known->len < len ? known->len : len) == 0 &&
        (known->cut || known->len == len))
      return;
  }
  set_example(&column->examples[column->example_count++], text, len, line);
}

// Once for the first value that looks like a date.
static void find_formats(SniffColumn *column, const char *text, size_t len) {
  sniff_formats(text, len, column);
  for (size_t i = 0; i < column->format_count; i++) {
    column->alive |= BIT(SNIFF_FORMAT + i);
    column->fails[SNIFF_FORMAT + i] = column->values - 1;
    if (column->values > 1)
      column->failed[SNIFF_FORMAT + i] = column->examples[0];
  }
}

static void drop(SniffColumn *column, uint32_t bad, const char *text, size_t len, uint64_t line) {
  for (size_t kind = 0; bad >> kind; kind++) {
    if (!(bad >> kind & 1))
      continue;
    if (column->fails[kind]++ == 0)
      set_example(&column->failed[kind], text, len, line);
    if (column->fails[kind] > 3 + column->values / 20)
      column->alive &= ~BIT(kind);
  }
}

static size_t characters(const SniffColumns *columns, const char *text, size_t len) {
  size_t count = len;
  for (size_t i = 0; !columns->ascii && i < len; i++)
    count -= ((unsigned char)text[i] & 0xc0) == 0x80;
  return count;
}

static void trim(SniffColumn *column, const char **text, size_t *len) {
  const char *end = *text + *len;
  if (**text != ' ' && end[-1] != ' ')
    return;
  column->padded++; // the rule proposed trims
  while (*text < end && **text == ' ')
    (*text)++;
  while (*text < end && end[-1] == ' ')
    end--;
  *len = (size_t)(end - *text);
}

static void add_value(SniffColumns *columns, SniffColumn *column, const char *text, size_t len,
                      uint64_t line) {
  trim(column, &text, &len);
  if (len == 0) {
    column->blank++;
    return;
  }
  column->values++;
  if (column->format_count == 0 && column->values <= FORMAT_TRIES)
    find_formats(column, text, len);
  if (column->example_count < SNIFF_EXAMPLES && column->values <= EXAMPLE_TRIES)
    add_example(column, text, len, line);
  if (!column->alive)
    return;
  uint32_t bad = column->alive & ~kinds_of(columns, column, text, len);
  if (bad)
    drop(column, bad, text, len, line);
}

static void add_field(SniffColumns *columns, SniffColumn *column, const SniffDialect *dialect,
                      const SniffField *field, uint64_t line) {
  size_t len = field->len;
  const char *text =
      field->escaped ? sniff_unescape(dialect, field, &columns->text, &len) : field->text;
  size_t length = characters(columns, text, len);
  if (length < column->min_length)
    column->min_length = length;
  if (length > column->max_length)
    column->max_length = length;
  int word = len <= 6 ? sniff_null_word(text, len) : -1;
  if (len == 0)
    (field->quoted ? &column->quoted_empty : &column->empty)[0]++;
  else if (word >= 0)
    column->null_words[word]++;
  else
    add_value(columns, column, text, len, line);
}

void sniff_columns_add(SniffColumns *columns, const SniffDialect *dialect,
                       const SniffRecord *record, uint64_t line) {
  for (size_t i = 0; i < record->count && i < columns->count; i++)
    add_field(columns, &columns->list[i], dialect, &record->fields[i], line);
}
