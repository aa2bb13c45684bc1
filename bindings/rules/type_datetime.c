// date, time, timestamp, timestamptz and time with time zone in ISO 8601, by fixed positions.
//
// Explicit formats are type_format.c's. What the server takes besides is listed in type.h.
#include "rules/type_parse.h"

enum {
  DATE_LENGTH = 10, // YYYY-MM-DD
  TIME_LENGTH = 5,  // HH:MM
  MAX_ZONE_HOUR = 15,
  TIMETZ_BYTES = 12, // microseconds, seconds west of UTC
};

// Reads YYYY-MM-DD at `at`, where DATE_LENGTH bytes can be read.
static bool read_date(const char *at, int64_t *days) {
  unsigned century = read_two_digits(at);
  unsigned year = read_two_digits(at + 2);
  unsigned month = read_two_digits(at + 5);
  unsigned day = read_two_digits(at + 8);
  if (century > 99 || year > 99 || at[4] != '-' || at[7] != '-')
    return false;
  return calendar_days(century * 100 + year, month, day, days);
}

// Reads the digits behind the point; returns the end, or NULL when they are none or over six.
static const char *read_fraction(const char *at, const char *end, int64_t *microseconds) {
  int64_t unit = MICROSECONDS;
  const char *start = at;
  for (; at < end && is_digit(*at); at++) {
    unit /= 10;
    *microseconds += (*at - '0') * unit;
  }
  return at == start || at - start > 6 ? NULL : at;
}

// Reads HH:MM[:SS[.f]]; returns the end of it, or NULL. Seconds may be 60, and the whole up to
// 24:00:00, as for the server.
static const char *read_time(const char *at, const char *end, int64_t *microseconds) {
  if (end - at < TIME_LENGTH || at[2] != ':')
    return NULL;
  unsigned hour = read_two_digits(at);
  unsigned minute = read_two_digits(at + 3);
  unsigned second = 0;
  int64_t fraction = 0;
  at += TIME_LENGTH;
  if (at < end && *at == ':') {
    if (end - at < 3)
      return NULL;
    second = read_two_digits(at + 1);
    at += 3;
    if (at < end && *at == '.')
      at = read_fraction(at + 1, end, &fraction);
  }
  if (!at || hour > 24 || minute > 59 || second > 60)
    return NULL;
  if (hour == 24 && (minute || second || fraction))
    return NULL;
  *microseconds = (hour * 3600 + minute * 60 + second) * MICROSECONDS + fraction;
  return *microseconds > DAY_MICROSECONDS ? NULL : at;
}

// Reads Z, +HH, +HHMM or +HH:MM up to `end`, after at most one blank.
static bool read_zone(const char *at, const char *end, int64_t *microseconds) {
  if (at < end && *at == ' ')
    at++;
  if (end - at == 1 && *at == 'Z') {
    *microseconds = 0;
    return true;
  }
  if (end - at < 3 || (*at != '+' && *at != '-'))
    return false;
  bool west = *at == '-';
  unsigned hour = read_two_digits(at + 1);
  unsigned minute = 0;
  at += 3;
  if (at < end) {
    at += *at == ':';
    if (end - at != 2)
      return false;
    minute = read_two_digits(at);
  }
  if (hour > MAX_ZONE_HOUR || minute > 59)
    return false;
  int64_t offset = (hour * 60 + minute) * 60 * MICROSECONDS;
  *microseconds = west ? -offset : offset;
  return true;
}

static bool read_timestamp(const char *at, const char *end, bool zoned, int64_t *microseconds) {
  int64_t days;
  int64_t time;
  int64_t zone = 0;
  if (end - at < DATE_LENGTH + 1 + TIME_LENGTH || !read_date(at, &days))
    return false;
  if (at[DATE_LENGTH] != ' ' && at[DATE_LENGTH] != 'T')
    return false;
  at = read_time(at + DATE_LENGTH + 1, end, &time);
  if (!at || (at < end && !(zoned && read_zone(at, end, &zone))))
    return false;
  *microseconds = days * DAY_MICROSECONDS + time - zone;
  return true;
}

static bool read_iso(TypeKind kind, const char *at, const char *end, int64_t *out) {
  if (kind == TYPE_DATE)
    return end - at == DATE_LENGTH && read_date(at, out);
  if (kind == TYPE_TIME)
    return read_time(at, end, out) == end;
  return read_timestamp(at, end, kind == TYPE_TIMESTAMPTZ, out);
}

bool parse_datetime(const Type *type, const char *text, size_t len, Value *value,
                    const char **reason) {
  const char *at = text;
  const char *end = text + len;
  trim_space(&at, &end);
  bool good = type->format ? parse_formatted(type, at, (size_t)(end - at), value)
                           : read_iso(type->kind, at, end, &value->integer);
  if (!good)
    *reason = type->kind == TYPE_DATE        ? "not a date"
              : type->kind == TYPE_TIME      ? "not a time"
              : type->kind == TYPE_TIMESTAMP ? "not a timestamp"
                                             : "not a timestamptz";
  return good;
}

bool parse_timetz(const char *text, size_t len, Buffer *scratch, Value *value,
                  const char **reason) {
  const char *at = text;
  const char *end = text + len;
  int64_t time;
  int64_t zone = 0;
  unsigned char bytes[TIMETZ_BYTES];
  trim_space(&at, &end);
  *reason = "not a time with time zone";
  at = read_time(at, end, &time);
  if (!at || (at < end && !read_zone(at, end, &zone)))
    return false;
  write_be64(bytes, (uint64_t)time);
  write_be32(bytes + 8, (uint32_t)(int32_t)(-zone / MICROSECONDS));
  return store_bytes(scratch, bytes, sizeof bytes, value, reason);
}

// By the moment, then by the zone: timetz_cmp_internal of src/backend/utils/adt/date.c.
int timetz_compare(const char *a, const char *b) {
  int32_t zone_a = (int32_t)read_be32(a + 8);
  int32_t zone_b = (int32_t)read_be32(b + 8);
  int64_t moment_a = (int64_t)read_be64(a) + zone_a * MICROSECONDS;
  int64_t moment_b = (int64_t)read_be64(b) + zone_b * MICROSECONDS;
  if (moment_a != moment_b)
    return moment_a < moment_b ? -1 : 1;
  return (zone_a > zone_b) - (zone_a < zone_b);
}
