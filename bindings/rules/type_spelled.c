// Dates and times in other spellings than ISO 8601's: "5 Jan 2024", "20240105T0907", "9:05 PM UTC".
//
// Accepts what means the same to every server, whatever its DateStyle, TimeZone and clock: a
// four-digit year or the month's name determines the order of year, month and day. Source:
// PostgreSQL manual, appendix B; DecodeDateTime of src/backend/utils/adt/datetime.c.
#include "rules/type_tools.h"

enum {
  MAX_ZONE_HOUR = 15,
  MAX_FRACTION = 15,        // digits whose tenths are one exact division
  UNIX_EPOCH_DAYS = -10957, // 1970-01-01
  LAST_JULIAN = 5373484,    // 9999-12-31
  CYCLE_YEARS = 400,
  CYCLE_DAYS = 146097,
};

typedef enum Part {
  PART_NONE,
  PART_DATE, // or a part of one
  PART_TIME,
  PART_MERIDIEM,
  PART_ZONE,
  PART_ERA,
} Part;

typedef struct Scan {
  const char *at;
  const char *end;
  unsigned year, month, day;
  bool has_year, has_month, has_day, has_weekday, named_month;
  bool has_era, is_bc, has_julian;
  int meridiem; // -1 AM, 1 PM
  Part before;  // the part before the one at hand
  Spelled *out;
} Scan;

static bool at_digit(const Scan *scan) {
  return scan->at < scan->end && is_digit(*scan->at);
}

static bool at_letter(const Scan *scan) {
  return scan->at < scan->end && (unsigned char)((*scan->at | 0x20) - 'a') < 26;
}

static bool skip_byte(Scan *scan, char c) {
  bool there = scan->at < scan->end && *scan->at == c;
  scan->at += there;
  return there;
}

// Reads digits as long as there are some, at most nine. Returns how many.
static size_t read_digits(Scan *scan, unsigned *number) {
  const char *start = scan->at;
  for (*number = 0; at_digit(scan) && scan->at - start < 9; scan->at++)
    *number = *number * 10 + (unsigned)(*scan->at - '0');
  return at_digit(scan) ? 0 : (size_t)(scan->at - start);
}

// A month by its name or the first three letters of it. 0: none.
static unsigned month_of(const char *at, const char *end) {
  static const char *const names[] = {"january",   "february", "march",    "april",
                                      "may",       "june",     "july",     "august",
                                      "september", "october",  "november", "december"};
  for (unsigned i = 0; i < 12; i++) {
    const char abbreviation[] = {names[i][0], names[i][1], names[i][2], 0};
    if (is_word(at, end, names[i]) || is_word(at, end, abbreviation))
      return i + 1;
  }
  return is_word(at, end, "sept") ? 9 : 0;
}

static bool is_weekday(const char *at, const char *end) {
  static const char *const names[] = {"monday", "tuesday",  "wednesday", "thursday",
                                      "friday", "saturday", "sunday"};
  for (unsigned i = 0; i < 7; i++) {
    const char abbreviation[] = {names[i][0], names[i][1], names[i][2], 0};
    if (is_word(at, end, names[i]) || is_word(at, end, abbreviation))
      return true;
  }
  return false;
}

static bool set_part(Scan *scan, unsigned *part, bool *has, unsigned number) {
  bool first = !*has;
  scan->before = PART_DATE;
  *part = number;
  *has = true;
  return first;
}

static bool set_date(Scan *scan, unsigned year, unsigned month, unsigned day) {
  return set_part(scan, &scan->year, &scan->has_year, year) &&
         set_part(scan, &scan->month, &scan->has_month, month) &&
         set_part(scan, &scan->day, &scan->has_day, day);
}

static const char *word_end(const Scan *scan) {
  Scan word = *scan;
  while (at_letter(&word))
    word.at++;
  return word.at;
}

static unsigned read_month_name(Scan *scan) {
  const char *end = word_end(scan);
  unsigned month = month_of(scan->at, end);
  scan->at = month ? end : scan->at;
  scan->named_month = month;
  return month;
}

// The rest of "2024-1-5", "2024/01/05", "2024-Jan-05", "5-Jan-2024" after its first number.
static bool read_separated(Scan *scan, unsigned first, size_t digits) {
  char separator = *scan->at++;
  unsigned month, last;
  bool named = at_letter(scan);
  if (scan->has_weekday || scan->out->has_time) // the server takes them after such a date alone
    return false;
  size_t month_digits = named ? 0 : read_digits(scan, &month);
  if (named)
    month = read_month_name(scan);
  if ((!named && (month_digits == 0 || month_digits > 2)) || !skip_byte(scan, separator))
    return false;
  size_t last_digits = read_digits(scan, &last);
  if (digits == 4 && (last_digits == 1 || last_digits == 2))
    return set_date(scan, first, month, last);
  return named && digits <= 2 && last_digits == 4 && set_date(scan, last, month, first);
}

// Rounds to microseconds as the server does: half to even of the nearest double.
static bool read_fraction(Scan *scan, int64_t *microseconds) {
  double digits = 0, scale = 1;
  const char *start = scan->at;
  for (; at_digit(scan) && scan->at - start < MAX_FRACTION; scan->at++) {
    digits = digits * 10 + (*scan->at - '0');
    scale *= 10;
  }
  double exact = digits / scale * 1e6;
  int64_t whole = (int64_t)exact;
  double rest = exact - (double)whole;
  *microseconds = whole + (rest > 0.5 || (rest == 0.5 && whole % 2 == 1));
  return scan->at > start && !at_digit(scan);
}

static bool set_time(Scan *scan, unsigned hour, unsigned minute, unsigned second,
                     int64_t fraction) {
  scan->before = PART_TIME;
  if (scan->out->has_time || hour > 24 || minute > 59 || second > 60)
    return false;
  if (hour == 24 && (minute || second || fraction))
    return false;
  scan->out->has_time = true;
  scan->out->time = (hour * 3600 + minute * 60 + second) * MICROSECONDS + fraction;
  return scan->out->time <= DAY_MICROSECONDS;
}

// ":05", ":05:07", ":05:07.25" after an hour.
static bool read_clock(Scan *scan, unsigned hour) {
  unsigned minute, second = 0;
  int64_t fraction = 0;
  scan->at++;
  if (read_digits(scan, &minute) != 2)
    return false;
  if (skip_byte(scan, ':')) {
    if (read_digits(scan, &second) != 2)
      return false;
    if (skip_byte(scan, '.') && !read_fraction(scan, &fraction))
      return false;
  }
  return set_time(scan, hour, minute, second, fraction);
}

// After a T: "0907", "090705", "09:07", and a fraction after seconds. A minus right after it means
// another date to the server.
static bool read_clock_after_t(Scan *scan) {
  unsigned number;
  int64_t fraction = 0;
  size_t digits = read_digits(scan, &number);
  if (scan->at < scan->end && *scan->at == ':')
    return (digits == 1 || digits == 2) && read_clock(scan, number);
  if (digits == 4)
    number *= 100;
  else if (digits != 6 || (skip_byte(scan, '.') && !read_fraction(scan, &fraction)))
    return false;
  return !(scan->at < scan->end && *scan->at == '-') &&
         set_time(scan, number / 10000, number / 100 % 100, number % 100, fraction);
}

// A number by itself beside a month's name: its digits say whether it is the year or the day.
static bool read_lone_number(Scan *scan, unsigned number, size_t digits) {
  if (digits == 8)
    return set_date(scan, number / 10000, number / 100 % 100, number % 100);
  if (digits == 4)
    return scan->has_month && set_part(scan, &scan->year, &scan->has_year, number);
  return (digits == 1 || digits == 2) && set_part(scan, &scan->day, &scan->has_day, number);
}

static bool read_number_part(Scan *scan) {
  unsigned number;
  size_t digits = read_digits(scan, &number);
  char next = scan->at < scan->end ? *scan->at : 0;
  if (digits == 0)
    return false;
  if (next == ':')
    return digits <= 2 && read_clock(scan, number);
  if (next == '-' || next == '/')
    return read_separated(scan, number, digits);
  return read_lone_number(scan, number, digits);
}

static bool set_zone(Scan *scan, int64_t seconds) {
  bool after_time = scan->before == PART_TIME || scan->before == PART_MERIDIEM;
  bool first = !scan->out->has_zone && after_time;
  scan->before = PART_ZONE;
  scan->out->has_zone = true;
  scan->out->zone = seconds * MICROSECONDS;
  return first;
}

// "+2", "+02", "+0230", "+02:30", "+02:30:15"
static bool read_offset(Scan *scan) {
  bool west = *scan->at++ == '-';
  unsigned hour, minute = 0, second = 0;
  size_t digits = read_digits(scan, &hour);
  if (digits == 4) {
    minute = hour % 100;
    hour /= 100;
  } else if (digits != 1 && digits != 2) {
    return false;
  } else if (skip_byte(scan, ':')) {
    if (read_digits(scan, &minute) != 2 ||
        (skip_byte(scan, ':') && read_digits(scan, &second) != 2))
      return false;
  }
  int64_t seconds = (int64_t)hour * 3600 + minute * 60 + second;
  return hour <= MAX_ZONE_HOUR && minute <= 59 && second <= 59 &&
         set_zone(scan, west ? -seconds : seconds);
}

static bool set_meridiem(Scan *scan, int meridiem) {
  bool first = scan->meridiem == 0 && scan->before == PART_TIME;
  scan->before = PART_MERIDIEM;
  scan->meridiem = meridiem;
  return first;
}

// "BC" or "AD" after a year.
static bool set_era(Scan *scan, bool is_bc) {
  bool first = !scan->has_era && scan->has_year && !scan->has_julian;
  scan->before = PART_ERA;
  scan->has_era = true;
  scan->is_bc = is_bc;
  return first;
}

// The rest of "J2451187": days since 4714-11-24 BC.
static bool read_julian(Scan *scan) {
  unsigned number;
  size_t digits = read_digits(scan, &number);
  if (digits == 0 || number > LAST_JULIAN || scan->has_weekday)
    return false;
  scan->has_julian = scan->named_month = true; // no T after it
  scan->out->days = (int64_t)number - JULIAN_OF_2000;
  return set_date(scan, 1, 1, 1);
}

// "CEST", "America/New_York": only the server's tables know their offsets.
static bool is_zone_name(const Scan *scan, const char *at) {
  size_t len = (size_t)(scan->at - at), capitals = 0;
  while (capitals < len && (unsigned char)(at[capitals] - 'A') < 26)
    capitals++;
  bool place = len > 2 && scan->at < scan->end && (*scan->at == '/' || *scan->at == '_');
  return capitals > 0 && (place || (capitals == len && len >= 3 && len <= 5));
}

static bool read_weekday(Scan *scan, const char *at, const char *end) {
  bool first = !scan->has_weekday && !scan->has_julian;
  scan->before = PART_DATE;
  scan->has_weekday = true;
  return is_weekday(at, end) && first;
}

static bool read_word(Scan *scan) {
  const char *at = scan->at, *end = word_end(scan);
  unsigned month = month_of(at, end);
  scan->at = end;
  if (month) {
    scan->named_month = true;
    return set_part(scan, &scan->month, &scan->has_month, month);
  }
  if (is_word(at, end, "t") && at_digit(scan))
    return scan->has_day && !scan->named_month && read_clock_after_t(scan);
  if (is_word(at, end, "am") || is_word(at, end, "pm"))
    return set_meridiem(scan, (*at | 0x20) == 'a' ? -1 : 1);
  if (is_word(at, end, "z") || is_word(at, end, "utc") || is_word(at, end, "gmt"))
    return set_zone(scan, 0) && !(scan->at < scan->end && (*scan->at == '+' || *scan->at == '-'));
  if (is_word(at, end, "bc") || is_word(at, end, "ad"))
    return set_era(scan, (*at | 0x20) == 'b');
  if (is_word(at, end, "j") && at_digit(scan))
    return read_julian(scan);
  scan->out->named_zone = scan->out->has_time && !is_weekday(at, end) && is_zone_name(scan, at);
  return read_weekday(scan, at, end);
}

// What may follow a part: nothing, blanks, a comma; after a time also what begins by itself, and
// after a date its T. ("pm-3:30" is the name of a zone to the server.)
static bool skip_between(Scan *scan) {
  const char *start = scan->at;
  while (scan->at < scan->end && (is_space(*scan->at) || *scan->at == ','))
    scan->at++;
  if (scan->at > start || scan->at == scan->end)
    return true;
  bool t = (*scan->at | 0x20) == 't' && scan->end - scan->at > 1 && is_digit(scan->at[1]);
  return scan->before == PART_DATE ? t : scan->before == PART_TIME && !at_digit(scan);
}

static bool read_parts(Scan *scan) {
  while (scan->at < scan->end) {
    bool sign = *scan->at == '+' || *scan->at == '-';
    bool read = at_letter(scan)  ? read_word(scan)
                : at_digit(scan) ? read_number_part(scan)
                                 : sign && read_offset(scan);
    if (!read || !skip_between(scan))
      return false;
  }
  return true;
}

static bool apply_meridiem(const Scan *scan) {
  const int64_t half = DAY_MICROSECONDS / 2, hour = 3600 * MICROSECONDS;
  int64_t *time = &scan->out->time;
  if (scan->meridiem == 0)
    return true;
  if (*time >= half + hour)
    return false;
  *time += scan->meridiem > 0 && *time < half ? half : 0;
  *time -= scan->meridiem < 0 && *time >= half ? half : 0;
  return true;
}

static bool read_infinity(const char *at, const char *end, int *infinity) {
  bool minus = at < end && *at == '-';
  *infinity = is_word(at + minus, end, "infinity") ? (minus ? -1 : 1) : 0;
  return *infinity != 0;
}

// The days of the calendar before year 1, which the server has from julian day 0 on.
static bool days_before_christ(const Scan *scan, int64_t *days) {
  int64_t cycles = scan->year / CYCLE_YEARS + 1;
  if (scan->year < 1 || !calendar_days((unsigned)(cycles * CYCLE_YEARS + 1) - scan->year,
                                       scan->month, scan->day, days))
    return false;
  *days -= cycles * CYCLE_DAYS;
  return *days >= -JULIAN_OF_2000;
}

static bool has_day(const Scan *scan, int64_t *days) {
  if (scan->has_julian)
    return true;
  if (!scan->has_year || !scan->has_month || !scan->has_day)
    return false;
  return scan->is_bc ? days_before_christ(scan, days)
                     : calendar_days(scan->year, scan->month, scan->day, days);
}

bool read_spelled(const char *at, const char *end, Spelled *out) {
  *out = (Spelled){0};
  Scan scan = {.at = at, .end = end, .out = out};
  if (read_infinity(at, end, &out->infinity))
    return true;
  if (is_word(at, end, "epoch")) {
    *out = (Spelled){.has_date = true, .days = UNIX_EPOCH_DAYS};
    return true;
  }
  if (!read_parts(&scan) || !apply_meridiem(&scan))
    return false;
  out->has_date = scan.has_year || scan.has_month || scan.has_day || scan.has_weekday;
  return !out->has_date || has_day(&scan, &out->days);
}
