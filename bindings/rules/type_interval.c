// interval: ISO 8601 durations and numbers with units, to months, days and microseconds.
//
// What is refused, though the server takes it, is listed in type.h.
#include "rules/type_tools.h"

enum {
  INTERVAL_BYTES = 16,
  MAX_DIGITS = 9,
  MAX_HOUR_DIGITS = 6,
  MAX_ALL_DIGITS = 15, // of a number with a fraction: a double holds them
};

typedef enum Unit {
  UNIT_YEAR,
  UNIT_MONTH,
  UNIT_WEEK,
  UNIT_DAY,
  UNIT_HOUR,
  UNIT_MINUTE,
  UNIT_SECOND,
  UNIT_NONE,
} Unit;

typedef struct Interval {
  int64_t months;
  int64_t days;
  int64_t time;  // microseconds
  unsigned seen; // bit per unit: each may be there once
} Interval;

typedef struct Number {
  bool has_sign;
  bool negative;
  bool has_fraction;
  int64_t whole;
  double fraction; // below 1
} Number;

// Reads "-12.5" with up to nine digits before the point, and 15 in all. `joined`: the fraction is
// what the server has left of the whole number, as for ISO 8601. Returns the end, or NULL.
static const char *read_number(const char *at, const char *end, bool joined, Number *number) {
  *number = (Number){0};
  number->has_sign = at < end && (*at == '-' || *at == '+');
  number->negative = at < end && *at == '-';
  at += number->has_sign;
  const char *start = at;
  for (; at < end && is_digit(*at); at++) {
    if (at - start == MAX_DIGITS)
      return NULL;
    number->whole = number->whole * 10 + (*at - '0');
  }
  if (at == start)
    return NULL;
  number->has_fraction = at < end && *at == '.';
  if (!number->has_fraction)
    return at;
  double digits = joined ? (double)number->whole : 0, scale = 1;
  const char *point = at++;
  for (; at < end && is_digit(*at); at++) {
    if (at - start > MAX_ALL_DIGITS)
      return NULL;
    digits = digits * 10 + (*at - '0');
    scale *= 10;
  }
  number->fraction = digits / scale - (joined ? (double)number->whole : 0);
  return at - point == 1 ? NULL : at;
}

// AdjustFractMicroseconds of src/backend/utils/adt/datetime.c: half is rounded to zero.
static int64_t microseconds_of(double fraction, int64_t unit) {
  double exact = fraction * (double)unit;
  int64_t whole = (int64_t)exact;
  return whole + (exact - (double)whole > 0.5);
}

static void add_days(Interval *interval, double days, int64_t sign) {
  int64_t whole = (int64_t)days;
  interval->days += sign * whole;
  interval->time += sign * microseconds_of(days - (double)whole, DAY_MICROSECONDS);
}

// The fraction of a unit in smaller ones. False: servers differ in how a year's is rounded.
static bool add_fraction(Interval *interval, Unit unit, double fraction, int64_t sign) {
  double months = fraction * 12;
  switch (unit) {
  case UNIT_YEAR:
    interval->months += sign * (int64_t)months;
    return months == (double)(int64_t)months;
  case UNIT_MONTH:
    add_days(interval, fraction * 30, sign);
    return true;
  case UNIT_WEEK:
    add_days(interval, fraction * 7, sign);
    return true;
  case UNIT_DAY:
    add_days(interval, fraction, sign);
    return true;
  case UNIT_HOUR:
    interval->time += sign * microseconds_of(fraction, 3600 * MICROSECONDS);
    return true;
  case UNIT_MINUTE:
    interval->time += sign * microseconds_of(fraction, 60 * MICROSECONDS);
    return true;
  default:
    interval->time += sign * microseconds_of(fraction, MICROSECONDS);
    return true;
  }
}

// False when the unit was there already, or cannot have this fraction.
static bool add(Interval *interval, Unit unit, const Number *number) {
  int64_t n = number->negative ? -number->whole : number->whole;
  if (unit == UNIT_NONE || (interval->seen & 1u << unit))
    return false;
  interval->seen |= 1u << unit;
  switch (unit) {
  case UNIT_YEAR:
    interval->months += n * 12;
    break;
  case UNIT_MONTH:
    interval->months += n;
    break;
  case UNIT_WEEK:
    interval->days += n * 7;
    break;
  case UNIT_DAY:
    interval->days += n;
    break;
  case UNIT_HOUR:
    interval->time += n * 3600 * MICROSECONDS;
    break;
  case UNIT_MINUTE:
    interval->time += n * 60 * MICROSECONDS;
    break;
  default:
    interval->time += n * MICROSECONDS;
    break;
  }
  return !number->has_fraction ||
         add_fraction(interval, unit, number->fraction, number->negative ? -1 : 1);
}

static Unit find_designator(char c, bool time, Unit after) {
  static const char letters[] = "YMWDHMS";
  for (Unit unit = time && after < UNIT_HOUR ? UNIT_HOUR : after;
       unit < (time ? UNIT_NONE : UNIT_HOUR); unit++)
    if (letters[unit] == c)
      return unit;
  return UNIT_NONE;
}

// After the P: numbers with letters in their order, those of times after a T.
static bool read_iso(const char *at, const char *end, Interval *interval) {
  bool time = false;
  Unit next = UNIT_YEAR;
  if (at == end)
    return false;
  while (at < end) {
    Number number;
    if (*at == 'T' && !time) {
      time = true;
      at++;
    }
    if (at < end && *at == '+') // units may have one, these not
      return false;
    at = read_number(at, end, true, &number);
    if (!at || at == end)
      return false;
    Unit unit = find_designator(*at++, time, next);
    if (!add(interval, unit, &number))
      return false;
    next = unit + 1;
  }
  return true;
}

static Unit find_unit(const char *at, const char *end) {
  static const struct {
    const char *word;
    Unit unit;
  } units[] = {
      {"year", UNIT_YEAR},     {"years", UNIT_YEAR},     {"yr", UNIT_YEAR},
      {"yrs", UNIT_YEAR},      {"mon", UNIT_MONTH},      {"mons", UNIT_MONTH},
      {"month", UNIT_MONTH},   {"months", UNIT_MONTH},   {"week", UNIT_WEEK},
      {"weeks", UNIT_WEEK},    {"day", UNIT_DAY},        {"days", UNIT_DAY},
      {"hour", UNIT_HOUR},     {"hours", UNIT_HOUR},     {"hr", UNIT_HOUR},
      {"hrs", UNIT_HOUR},      {"min", UNIT_MINUTE},     {"mins", UNIT_MINUTE},
      {"minute", UNIT_MINUTE}, {"minutes", UNIT_MINUTE}, {"sec", UNIT_SECOND},
      {"secs", UNIT_SECOND},   {"second", UNIT_SECOND},  {"seconds", UNIT_SECOND},
      {"y", UNIT_YEAR},        {"w", UNIT_WEEK},         {"d", UNIT_DAY},
      {"h", UNIT_HOUR},        {"m", UNIT_MINUTE},       {"s", UNIT_SECOND},
  };
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    if (is_word(at, end, units[i].word))
      return units[i].unit;
  return UNIT_NONE;
}

// After the hours: ":MM", ":MM:SS" or ":MM:SS.f". Returns the end, or NULL.
static const char *read_clock(const char *at, const char *end, Number *hours, Interval *interval) {
  Number minutes = {.negative = hours->negative};
  Number seconds = {0};
  if (end - at < 3 || read_two_digits(at + 1) > 59)
    return NULL;
  minutes.whole = read_two_digits(at + 1);
  at += 3;
  if (at < end && *at == ':') {
    if (end - at < 3 || read_two_digits(at + 1) > 59)
      return NULL;
    at = read_number(at + 1, end, false, &seconds);
  }
  seconds.negative = hours->negative;
  if (!at || seconds.whole > 59 || !add(interval, UNIT_HOUR, hours) ||
      !add(interval, UNIT_MINUTE, &minutes) || !add(interval, UNIT_SECOND, &seconds))
    return NULL;
  return at;
}

static const char *skip_blanks(const char *at, const char *end) {
  while (at < end && is_space(*at))
    at++;
  return at;
}

static const char *word_end(const char *at, const char *end) {
  while (at < end && (*at | 0x20) >= 'a' && (*at | 0x20) <= 'z')
    at++;
  return at;
}

// "1-2": years and months. Returns the end, or NULL.
static const char *read_months(const char *at, const char *end, const Number *years,
                               Interval *interval) {
  Number months;
  at = years->has_fraction ? NULL : read_number(at + 1, end, false, &months);
  if (!at || months.has_sign || months.has_fraction || months.whole > 11)
    return NULL;
  months.whole += years->whole * 12;
  months.negative = years->negative;
  return add(interval, UNIT_MONTH, &months) ? at : NULL;
}

// Whether a clock is there: digits and a colon.
static bool at_clock(const char *at, const char *end) {
  at += at < end && (*at == '-' || *at == '+');
  while (at < end && is_digit(*at))
    at++;
  return at < end && *at == ':';
}

// Reads one number with its unit, the days before a clock, or a clock, and sets *clock then.
// Returns the end, or NULL.
static const char *read_part(const char *at, const char *end, Number *number, Interval *interval,
                             bool *clock) {
  const char *start = at;
  at = read_number(at, end, false, number);
  if (!at)
    return NULL;
  *clock = at < end && *at == ':';
  if (*clock)
    return at - start > MAX_HOUR_DIGITS + number->has_sign || number->has_fraction
               ? NULL
               : read_clock(at, end, number, interval);
  if (at < end && *at == '-')
    return read_months(at, end, number, interval);
  const char *word = skip_blanks(at, end);
  const char *after = word_end(word, end);
  if (after == word)
    return word > at && !number->has_fraction && at_clock(word, end) &&
                   add(interval, UNIT_DAY, number)
               ? word
               : NULL;
  return add(interval, find_unit(word, after), number) ? after : NULL;
}

// "@ 1 year 2 mons -3 days 04:05:06.7 ago"
static bool read_units(const char *at, const char *end, Interval *interval) {
  bool first = true;
  bool first_negative = false;
  bool clock = false;
  if (at < end && *at == '@')
    at = skip_blanks(at + 1, end);
  while (at < end) {
    Number number;
    const char *word = word_end(at, end);
    if (!first && word == end && is_word(at, end, "ago")) {
      interval->months = -interval->months;
      interval->days = -interval->days;
      interval->time = -interval->time;
      return true;
    }
    if (clock)
      return false;
    at = read_part(at, end, &number, interval, &clock);
    if (!at || (at < end && !is_space(*at) && !is_space(at[-1])))
      return false;
    first_negative = first ? number.negative : first_negative;
    if (!first && first_negative && !number.has_sign)
      return false;
    first = false;
    at = skip_blanks(at, end);
  }
  return !first;
}

static bool fits(const Interval *interval) {
  return interval->months >= INT32_MIN && interval->months <= INT32_MAX &&
         interval->days >= INT32_MIN && interval->days <= INT32_MAX;
}

static bool parse_interval(const Type *type, const char *text, size_t len, Buffer *scratch,
                           Value *value, const char **reason) {
  Interval interval = {0};
  const char *at = text;
  const char *end = text + len;
  unsigned char bytes[INTERVAL_BYTES];
  trim_space(&at, &end);
  bool iso = at < end && *at == 'P';
  *reason = type->kind->refusal;
  if (iso && (size_t)(end - at) != len) // the server skips white space around units alone
    return false;
  if (!(iso ? read_iso(at + 1, end, &interval) : read_units(at, end, &interval)))
    return false;
  *reason = type->kind->out_of_range;
  if (!fits(&interval))
    return false;
  write_be64(bytes, (uint64_t)interval.time);
  write_be32(bytes + 8, (uint32_t)(int32_t)interval.days);
  write_be32(bytes + 12, (uint32_t)(int32_t)interval.months);
  return store_bytes(scratch, bytes, sizeof bytes, value, reason);
}

// A month is 30 days, a day 24 hours: interval_cmp_value of src/backend/utils/adt/timestamp.c.
static __int128 span(const char *bytes) {
  __int128 days = (int32_t)read_be32(bytes + 8);
  days += (__int128)30 * (int32_t)read_be32(bytes + 12);
  return days * DAY_MICROSECONDS + (int64_t)read_be64(bytes);
}

static int compare_intervals(const Value *a, const Value *b, const Buffer *scratch) {
  __int128 span_a = span(type_bytes(a, scratch));
  __int128 span_b = span(type_bytes(b, scratch));
  return (span_a > span_b) - (span_a < span_b);
}

static TypeIdentity interval_identity(const Value *value, const Buffer *scratch) {
  return (TypeIdentity){.number = (uint64_t)span(type_bytes(value, scratch))};
}

static const TypeKind interval_type = {
    .name = "interval",
    .oid = 1186,
    .parse = parse_interval,
    .compare = compare_intervals,
    .identity = interval_identity,
    .refusal = "not an interval",
    .out_of_range = "out of range for interval",
    .rounds_seconds = true,
};

const TypeKind *const interval_types[] = {&interval_type, NULL};
