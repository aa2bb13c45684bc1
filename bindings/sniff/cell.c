// What one cell looks like.
#include "sniff/cell.h"

#include <string.h>
#include <strings.h>

const char *const sniff_null_words[SNIFF_NULL_WORDS] = {
    "NULL", "null", "Null",   "N/A",    "n/a",    "#N/A", "\\N", "NA", "None",
    "none", "nil",  "(null)", "<null>", "#NULL!", "-",    "?",   ".",
};

static bool is_digit(char c) {
  return (unsigned char)(c - '0') < 10;
}

static bool is_letter(char c) {
  return (unsigned char)((c | 0x20) - 'a') < 26;
}

int sniff_null_word(const char *text, size_t len) {
  if (len == 0 || len > 6)
    return -1;
  switch (text[0]) {
  case 'N':
  case 'n':
  case '#':
  case '\\':
  case '(':
  case '<':
  case '-':
  case '?':
  case '.':
    break;
  default:
    return -1;
  }
  for (int i = 0; i < SNIFF_NULL_WORDS; i++)
    if (strlen(sniff_null_words[i]) == len && memcmp(sniff_null_words[i], text, len) == 0)
      return i;
  return -1;
}

static bool is_boolean(const char *text, size_t len) {
  static const char *const words[] = {"true", "false", "yes", "no", "t",
                                      "f",    "y",     "n",   "on", "off"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strlen(words[i]) == len && strncasecmp(words[i], text, len) == 0)
      return true;
  return false;
}

static bool is_sign(char c) {
  return c == '.' || c == ',';
}

// Length of ".5", as statistics programs write what is less than one; 0: it is none.
static size_t decimals_length(const char *at, const char *end) {
  const char *start = at;
  if (at < end && *at == '.')
    for (at++; at < end && is_digit(*at);)
      at++;
  return at - start > 1 ? (size_t)(at - start) : 0;
}

// Length of the digits at `at` with points and commas between them, as a number has them: 1234.5,
// 1,234,567.89, 12,34,567. 0: it is none, as the list 1,2,3 and the day 12.05.2020.
static size_t digits_length(const char *at, const char *end) {
  const char *start = at, *first = NULL; // the first sign
  size_t run = 0, signs = 0;
  bool groups = true, decimals = false;
  for (; at < end && (is_digit(*at) || is_sign(*at)); at++) {
    if (is_digit(*at)) {
      run++;
      continue;
    }
    if (run == 0 || at + 1 == end || !is_digit(at[1]) || decimals)
      return 0;
    decimals = first && *at != *first;
    groups = groups && run <= 3 && (decimals ? run == 3 : !first || run >= 2);
    first = first ? first : at;
    signs++;
    run = 0;
  }
  bool good = signs < 2 || (groups && (decimals || run == 3));
  return good ? (size_t)(at - start) : 0;
}

// NaN, inf, -Infinity: what programs write when the value is not a number.
static bool is_no_number(const char *at, const char *end) {
  static const char *const words[] = {"nan", "inf", "infinity"};
  if (at < end && (*at == '-' || *at == '+'))
    at++;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strlen(words[i]) == (size_t)(end - at) && strncasecmp(at, words[i], strlen(words[i])) == 0)
      return true;
  return false;
}

static const char *const currencies[] = {"$", "\xe2\x82\xac", "\xc2\xa3"}; // dollar, euro, pound

// A sign or currency, digits with points and commas between them, an exponent or a percent sign.
static bool is_number(const char *at, const char *end) {
  if (at < end && (*at == '-' || *at == '+'))
    at++;
  for (size_t i = 0; i < sizeof currencies / sizeof *currencies; i++) {
    size_t len = strlen(currencies[i]);
    if ((size_t)(end - at) > len && memcmp(at, currencies[i], len) == 0)
      at += len;
  }
  size_t len = at < end && *at == '.' ? decimals_length(at, end) : digits_length(at, end);
  if (len == 0)
    return false;
  at += len;
  if (at < end && (*at | 0x20) == 'e') {
    at++;
    if (at < end && (*at == '-' || *at == '+'))
      at++;
    const char *exponent = at;
    while (at < end && is_digit(*at))
      at++;
    return at > exponent && at == end;
  }
  if (at < end && *at == ' ' && at + 1 < end && at[1] == '%')
    at++;
  return at == end || (end - at == 1 && *at == '%');
}

// "£ 1,80", "19,00 €": a currency and a blank beside a number.
static bool is_sum(const char *at, const char *end) {
  for (size_t i = 0; i < sizeof currencies / sizeof *currencies; i++) {
    size_t len = strlen(currencies[i]);
    if ((size_t)(end - at) < len + 2)
      continue;
    if (memcmp(at, currencies[i], len) == 0 && at[len] == ' ')
      return is_number(at + len + 1, end);
    if (memcmp(end - len, currencies[i], len) == 0 && end[-(ptrdiff_t)len - 1] == ' ')
      return is_number(at, end - len - 1);
  }
  return false;
}

static bool is_month(const char *text) {
  static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
  for (size_t i = 0; i < 36; i += 3)
    if (strncasecmp(months + i, text, 3) == 0)
      return true;
  return false;
}

// What follows a colon in a time: one digit or two. In 8:2003-11-26 the colon is a delimiter.
static bool starts_minutes(const char *at, const char *end) {
  size_t digits = 0;
  while (at + digits < end && is_digit(at[digits]))
    digits++;
  return digits == 1 || digits == 2;
}

// Whether the commas are as in "Jan 1, 2020", "1/2/2020, 10:00" and "10:00:00,5": one, and not
// before a number that is none of a time, as in the list "1950:1, 28.9".
static bool has_commas_of_moment(const char *at, const char *end, bool month) {
  const char *comma = memchr(at, ',', (size_t)(end - at));
  if (!comma)
    return true;
  const char *rest = comma + 1;
  size_t left = (size_t)(end - rest);
  if (left == 0 || memchr(rest, ',', left))
    return false;
  return *rest != ' ' || month || memchr(rest, ':', left);
}

typedef struct MomentParts {
  size_t groups; // of digits
  size_t run;    // digits of the group so far
  size_t dots, colons, others;
  bool month; // a month's name
} MomentParts;

static bool is_half_of_day(const char *at, const char *end) {
  return end - at == 2 && ((*at | 0x20) == 'a' || (*at | 0x20) == 'p') && (at[1] | 0x20) == 'm';
}

// What may be between groups of digits; `run` digits are before it. Moves to its last byte.
static bool note_between(MomentParts *parts, size_t run, const char **place, const char *end) {
  const char *at = *place;
  if (*at == ':') {
    parts->colons++;
    return starts_minutes(at + 1, end);
  }
  if (*at == '.' || *at == '/' || *at == '-' || *at == '+') {
    *at == '.' ? parts->dots++ : parts->others++;
    return true;
  }
  if (*at == ' ' || *at == ',' || ((*at == 'T' || *at == 'Z') && run > 0))
    return true;
  if (end - at >= 3 && !parts->month && is_month(at)) {
    parts->month = true;
    while (at + 1 < end && is_letter(at[1]))
      at++;
    *place = at;
    return true;
  }
  *place = at + 1;
  return is_half_of_day(at, end);
}

// Whether the groups and what is between them are those of a date, a time, or both.
static bool are_of_moment(const MomentParts *parts) {
  if (parts->month)
    return parts->groups >= 2;
  return (parts->colons >= 1 && (parts->groups >= 2 || parts->others >= 2)) ||
         (parts->groups == 3 && (parts->others == 2 || parts->dots == 2));
}

// Groups of digits with : / - . between them, a month's name among them perhaps, then a zone.
static bool is_moment(const char *at, const char *end) {
  const char *start = at;
  MomentParts parts = {0};
  if (end - at < 5 || end - at > 40)
    return false;
  for (; at < end; at++) {
    size_t run = parts.run;
    parts.run = is_digit(*at) ? run + 1 : 0;
    if (parts.run > 9)
      return false;
    if (parts.run > 0)
      parts.groups += parts.run == 1;
    else if (!note_between(&parts, run, &at, end))
      return false;
  }
  return has_commas_of_moment(start, end, parts.month) && are_of_moment(&parts);
}

static bool starts_with(const char *text, size_t len, const char *what) {
  return len > strlen(what) && memcmp(text, what, strlen(what)) == 0;
}

static bool is_code(const char *text, size_t len) {
  if (starts_with(text, len, "http://") || starts_with(text, len, "https://") ||
      starts_with(text, len, "ftp://") || starts_with(text, len, "www."))
    return !memchr(text, ' ', len);
  if ((*text == '{' && text[len - 1] == '}') || (*text == '[' && text[len - 1] == ']'))
    return len > 1;
  if (len == 36 && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-')
    return true;
  const char *at = memchr(text, '@', len);
  if (!at || at == text)
    return false;
  for (size_t i = 0; i < len; i++) // another sign would rather be a delimiter
    if (!is_letter(text[i]) && !is_digit(text[i]) && (unsigned char)text[i] < 0x80 &&
        !memchr("@._+-'", text[i], 6))
      return false;
  return memchr(at, '.', (size_t)(text + len - at)) != NULL;
}

// An unpaired quote at an end: half of a quoted cell. An apostrophe, after a space.
static bool is_half_quoted(const char *text, size_t len) {
  bool words = memchr(text, ' ', len);
  return (*text == '"') != (text[len - 1] == '"') || (len == 1 && *text == '"') ||
         (words && (*text == '\'') != (text[len - 1] == '\''));
}

static SniffCell words(const char *text, size_t len) {
  bool word = true;
  for (size_t i = 0; i < len; i++) {
    char c = text[i];
    if (is_letter(c) || is_digit(c) || (unsigned char)c >= 0x80 || strchr("_-.", c))
      continue;
    word = false;
    if (c == '\0' || strchr("\t|;^~\x01\x1e\x1f", c))
      return CELL_DIRTY;
    if (c == ',' && !(i + 1 < len && text[i + 1] == ' '))
      return CELL_DIRTY;
  }
  return word ? CELL_WORD : strchr(",:/\\=|;&*", *text) ? CELL_DIRTY : CELL_TEXT;
}

SniffCell sniff_cell(const char *text, size_t len) {
  while (len > 0 && *text == ' ') {
    text++;
    len--;
  }
  while (len > 0 && text[len - 1] == ' ')
    len--;
  if (len == 0)
    return CELL_EMPTY;
  if (sniff_null_word(text, len) >= 0)
    return CELL_NULL;
  bool short_enough = len <= 64;
  if (short_enough && (is_digit(*text) || !is_letter(*text)) && is_number(text, text + len))
    return CELL_NUMBER;
  if (short_enough && is_sum(text, text + len))
    return CELL_NUMBER;
  if (is_no_number(text, text + len))
    return CELL_NUMBER;
  if (short_enough && is_moment(text, text + len))
    return CELL_MOMENT;
  if (is_boolean(text, len))
    return CELL_BOOLEAN;
  if (is_code(text, len))
    return CELL_CODE;
  if (is_half_quoted(text, len) || *text == '"')
    return CELL_DIRTY;
  return words(text, len);
}

double sniff_cell_weight(SniffCell cell) {
  static const double weights[CELL_KINDS] = {
      [CELL_EMPTY] = 1,   [CELL_NULL] = 1,    [CELL_NUMBER] = 1,
      [CELL_MOMENT] = 1,  [CELL_BOOLEAN] = 1, [CELL_CODE] = 1,
      [CELL_WORD] = 0.95, [CELL_TEXT] = 0.85, [CELL_DIRTY] = 0.2,
  };
  return weights[cell];
}
