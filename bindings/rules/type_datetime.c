// date, time, timestamp, timestamptz and time with time zone in ISO 8601, by fixed positions.
//
// Explicit formats are in type_format.c, other spellings in type_spelled.c. type.h lists what else
// the server accepts.
#include <stdio.h>

#include "rules/type_tools.h"

enum {
  DATE_LENGTH = 10, // YYYY-MM-DD
  TIME_LENGTH = 5,  // HH:MM
  MAX_ZONE_HOUR = 15,
  TIMETZ_BYTES = 12, // microseconds, seconds west of UTC
  MOMENT_SIZE = 64,
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

// Reads the digits after the point; returns the end, or NULL when they are none or over six.
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

typedef bool ReadIso(const char *at, const char *end, int64_t *out);
typedef bool TakeSpelled(const Spelled *spelled, int64_t *out);

// How the texts of one type are read.
typedef struct Reading {
  ReadIso *iso;
  TakeSpelled *spelled; // the same in other spellings; false: it says more, or less
  const char *zoned;    // why a zone is refused
} Reading;

// By one of the type's formats. If several match, all must mean the same moment: 03/04 is a day in
// March or in April, and there is no way to ask.
static bool parse_by_formats(const Type *type, const char *text, size_t len, Value *value,
                             const char **reason) {
  bool found = false;
  for (const Type *next = type; next; next = next->next_format) {
    Value other;
    if (!parse_formatted(next, text, len, &other))
      continue;
    if (found && other.integer != value->integer)
      return refuse("ambiguous", reason);
    value->integer = other.integer;
    found = true;
  }
  return found || refuse(type->kind->refusal, reason);
}

// Kept out of the way of what most values are.
static __attribute__((noinline)) bool parse_spelled(const Reading *reading, const Type *type,
                                                    const char *at, const char *end, Value *value,
                                                    const char **reason) {
  Spelled spelled = {0};
  if (!type->plain && read_spelled(at, end, &spelled) &&
      reading->spelled(&spelled, &value->integer))
    return true;
  bool zoned = reading->zoned && (spelled.named_zone || spelled.zone != 0);
  return refuse(zoned ? reading->zoned : type->kind->refusal, reason);
}

// By the type's formats, or as ISO 8601, or in another spelling.
static inline bool parse_by(const Reading *reading, const Type *type, const char *text, size_t len,
                            Value *value, const char **reason) {
  const char *at = text;
  const char *end = text + len;
  trim_space(&at, &end);
  if (type->format)
    return parse_by_formats(type, at, (size_t)(end - at), value, reason);
  return reading->iso(at, end, &value->integer) ||
         parse_spelled(reading, type, at, end, value, reason);
}

static bool read_iso_date(const char *at, const char *end, int64_t *days) {
  return end - at == DATE_LENGTH && read_date(at, days);
}

static bool read_iso_time(const char *at, const char *end, int64_t *microseconds) {
  return read_time(at, end, microseconds) == end;
}

static bool read_iso_timestamp(const char *at, const char *end, int64_t *microseconds) {
  return read_timestamp(at, end, false, microseconds);
}

static bool read_iso_timestamptz(const char *at, const char *end, int64_t *microseconds) {
  return read_timestamp(at, end, true, microseconds);
}

// A time of day would be lost, unless it is midnight.
static bool take_date(const Spelled *spelled, int64_t *days) {
  *days = spelled->days;
  if (spelled->infinity)
    *days = spelled->infinity > 0 ? INT32_MAX : INT32_MIN;
  return spelled->infinity || (spelled->has_date && spelled->time == 0 && !spelled->has_zone);
}

static bool take_time(const Spelled *spelled, int64_t *microseconds) {
  *microseconds = spelled->time;
  return spelled->has_time && !spelled->has_date && !spelled->has_zone;
}

static bool take_timestamptz(const Spelled *spelled, int64_t *microseconds) {
  *microseconds = spelled->days * DAY_MICROSECONDS + spelled->time - spelled->zone;
  if (spelled->infinity)
    *microseconds = spelled->infinity > 0 ? INT64_MAX : INT64_MIN;
  return spelled->infinity ||
         (spelled->has_date && *microseconds >= -JULIAN_OF_2000 * DAY_MICROSECONDS);
}

// The server forgets any zone; here only UTC may be forgotten, which moves nothing.
static bool take_timestamp(const Spelled *spelled, int64_t *microseconds) {
  return take_timestamptz(spelled, microseconds) && spelled->zone == 0;
}

static bool parse_date(const Type *type, const char *text, size_t len, Buffer *scratch,
                       Value *value, const char **reason) {
  static const Reading reading = {read_iso_date, take_date, NULL};
  (void)scratch;
  return parse_by(&reading, type, text, len, value, reason);
}

static bool parse_time(const Type *type, const char *text, size_t len, Buffer *scratch,
                       Value *value, const char **reason) {
  static const Reading reading = {read_iso_time, take_time, NULL};
  (void)scratch;
  return parse_by(&reading, type, text, len, value, reason);
}

static bool parse_timestamp(const Type *type, const char *text, size_t len, Buffer *scratch,
                            Value *value, const char **reason) {
  static const Reading reading = {
      read_iso_timestamp, take_timestamp,
      "has a time zone, which a timestamptz keeps and a timestamp drops:"};
  (void)scratch;
  return parse_by(&reading, type, text, len, value, reason);
}

static bool parse_timestamptz(const Type *type, const char *text, size_t len, Buffer *scratch,
                              Value *value, const char **reason) {
  static const Reading reading = {read_iso_timestamptz, take_timestamptz,
                                  "names a time zone, give its offset, as +02:00:"};
  (void)scratch;
  return parse_by(&reading, type, text, len, value, reason);
}

// A time and, where there is one, its zone.
static bool read_timetz(const Type *type, const char *at, const char *end, int64_t *time,
                        int64_t *zone) {
  Spelled spelled;
  const char *after = read_time(at, end, time);
  *zone = 0;
  if (after && (after == end || read_zone(after, end, zone)))
    return true;
  if (type->plain || !read_spelled(at, end, &spelled) || !spelled.has_time || spelled.has_date)
    return false;
  *time = spelled.time;
  *zone = spelled.zone;
  return true;
}

static bool parse_timetz(const Type *type, const char *text, size_t len, Buffer *scratch,
                         Value *value, const char **reason) {
  const char *at = text;
  const char *end = text + len;
  int64_t time;
  int64_t zone;
  unsigned char bytes[TIMETZ_BYTES];
  trim_space(&at, &end);
  *reason = type->kind->refusal;
  if (!read_timetz(type, at, end, &time, &zone))
    return false;
  write_be64(bytes, (uint64_t)time);
  write_be32(bytes + 8, (uint32_t)(int32_t)(-zone / MICROSECONDS));
  return store_bytes(scratch, bytes, sizeof bytes, value, reason);
}

// By the moment, then by the zone: timetz_cmp_internal of src/backend/utils/adt/date.c.
static int compare_timetz(const Value *left, const Value *right, const Buffer *scratch) {
  const char *a = type_bytes(left, scratch);
  const char *b = type_bytes(right, scratch);
  int32_t zone_a = (int32_t)read_be32(a + 8);
  int32_t zone_b = (int32_t)read_be32(b + 8);
  int64_t moment_a = (int64_t)read_be64(a) + zone_a * MICROSECONDS;
  int64_t moment_b = (int64_t)read_be64(b) + zone_b * MICROSECONDS;
  if (moment_a != moment_b)
    return moment_a < moment_b ? -1 : 1;
  return (zone_a > zone_b) - (zone_a < zone_b);
}

// Text: ISO 8601

// The day of a number of days since 2000-01-01: j2date of src/backend/utils/adt/datetime.c.
static void calendar_date(int64_t days, int *year, int *month, int *day) {
  uint32_t julian = (uint32_t)(days + 2451545 + 32044);
  uint32_t quad = julian / 146097;
  uint32_t extra = (julian - quad * 146097) * 4 + 3;
  julian += 60 + quad * 3 + extra / 146097;
  quad = julian / 1461;
  julian -= quad * 1461;
  int y = (int)(julian * 4 / 1461);
  julian = (y != 0 ? (julian + 305) % 365 : (julian + 306) % 366) + 123;
  *year = y + (int)(quad * 4) - 4800;
  quad = julian * 2141 / 65536;
  *day = (int)(julian - 7834 * quad / 256);
  *month = (int)((quad + 10) % 12 + 1);
}

size_t type_write_date(int64_t days, char out[TYPE_DATE_SIZE]) {
  if (type_is_infinite(&type_date, days))
    return (size_t)snprintf(out, TYPE_DATE_SIZE, "%sinfinity", days < 0 ? "-" : "");
  int year;
  int month;
  int day;
  calendar_date(days, &year, &month, &day);
  return (size_t)snprintf(out, TYPE_DATE_SIZE, "%04d-%02d-%02d%s", year > 0 ? year : 1 - year,
                          month, day, year > 0 ? "" : " BC");
}

static size_t time_text(int64_t microseconds, char *out, size_t size) {
  int64_t seconds = microseconds / MICROSECONDS;
  return (size_t)snprintf(out, size, "%02d:%02d:%02d.%06d", (int)(seconds / 3600),
                          (int)(seconds / 60 % 60), (int)(seconds % 60),
                          (int)(microseconds % MICROSECONDS));
}

// A moment may be just outside of the years 1 to 9999, by its zone: year 0 is 1 BC.
static size_t timestamp_text(int64_t moment, const char *zone, char *out, size_t size) {
  if (type_is_infinite(&type_timestamp, moment))
    return (size_t)snprintf(out, size, "%sinfinity", moment < 0 ? "-" : "");
  int64_t time = moment % DAY_MICROSECONDS;
  time += time < 0 ? DAY_MICROSECONDS : 0;
  int year;
  int month;
  int day;
  char clock[MOMENT_SIZE];
  calendar_date((moment - time) / DAY_MICROSECONDS, &year, &month, &day);
  time_text(time, clock, sizeof clock);
  return (size_t)snprintf(out, size, "%04d-%02d-%02d %s%s%s", year > 0 ? year : 1 - year, month,
                          day, clock, zone, year > 0 ? "" : " BC");
}

// `west` is in seconds.
static size_t timetz_text(int64_t time, int32_t west, char *out, size_t size) {
  char clock[MOMENT_SIZE];
  int seconds = west < 0 ? -west : west;
  time_text(time, clock, sizeof clock);
  return (size_t)snprintf(out, size, "%s%c%02d:%02d:%02d", clock, west > 0 ? '-' : '+',
                          seconds / 3600, seconds / 60 % 60, seconds % 60);
}

static void write_date(const Type *type, const Value *value, const char *text, size_t len,
                       const Buffer *scratch, Buffer *out) {
  (void)type, (void)text, (void)len, (void)scratch;
  char date[TYPE_DATE_SIZE];
  buffer_put(out, date, type_write_date(value->integer, date));
}

static void write_time(const Type *type, const Value *value, const char *text, size_t len,
                       const Buffer *scratch, Buffer *out) {
  (void)type, (void)text, (void)len, (void)scratch;
  char moment[MOMENT_SIZE];
  buffer_put(out, moment, time_text(value->integer, moment, sizeof moment));
}

static void write_timestamp(const Type *type, const Value *value, const char *text, size_t len,
                            const Buffer *scratch, Buffer *out) {
  (void)text, (void)len, (void)scratch;
  char moment[MOMENT_SIZE];
  const char *zone = type->kind == &type_timestamptz ? "+00" : "";
  buffer_put(out, moment, timestamp_text(value->integer, zone, moment, sizeof moment));
}

static void write_timetz(const Type *type, const Value *value, const char *text, size_t len,
                         const Buffer *scratch, Buffer *out) {
  (void)type, (void)text, (void)len;
  const char *bytes = type_bytes(value, scratch);
  char moment[MOMENT_SIZE];
  buffer_put(
      out, moment,
      timetz_text((int64_t)read_be64(bytes), (int32_t)read_be32(bytes + 8), moment, sizeof moment));
}

const TypeKind type_date = {
    .name = "date",
    .oid = 1082,
    .parse = parse_date,
    .compare = compare_integers,
    .write = write_date,
    .refusal = "not a date",
    .form = VALUE_INTEGER,
    .size = 4,
    .parameter = PARAMETER_FORMAT,
    .is_moment = true,
};

const TypeKind type_time = {
    .name = "time",
    .aliases = {"time without time zone"},
    .oid = 1083,
    .parse = parse_time,
    .compare = compare_integers,
    .write = write_time,
    .refusal = "not a time",
    .form = VALUE_INTEGER,
    .size = 8,
    .parameter = PARAMETER_FORMAT,
    .is_moment = true,
    .rounds_seconds = true,
    .zone_words = true,
};

const TypeKind type_timestamp = {
    .name = "timestamp",
    .aliases = {"timestamp without time zone"},
    .oid = 1114,
    .parse = parse_timestamp,
    .compare = compare_integers,
    .write = write_timestamp,
    .refusal = "not a timestamp",
    .form = VALUE_INTEGER,
    .size = 8,
    .parameter = PARAMETER_FORMAT,
    .is_moment = true,
    .rounds_seconds = true,
    .zone_words = true,
};

const TypeKind type_timestamptz = {
    .name = "timestamptz",
    .aliases = {"timestamp with time zone"},
    .oid = 1184,
    .parse = parse_timestamptz,
    .compare = compare_integers,
    .write = write_timestamp,
    .refusal = "not a timestamptz",
    .form = VALUE_INTEGER,
    .size = 8,
    .parameter = PARAMETER_FORMAT,
    .is_moment = true,
    .rounds_seconds = true,
    .is_zoned = true,
};

static const TypeKind timetz_type = {
    .name = "timetz",
    .aliases = {"time with time zone"},
    .oid = 1266,
    .parse = parse_timetz,
    .compare = compare_timetz,
    .write = write_timetz,
    .refusal = "not a time with time zone",
    .rounds_seconds = true,
    .is_zoned = true,
};

const TypeKind *const datetime_types[] = {
    &type_date, &type_time, &type_timestamp, &type_timestamptz, &timetz_type, NULL,
};
