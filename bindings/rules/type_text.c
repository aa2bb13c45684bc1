// Fields of COPY's text format, and dates and times as ISO 8601.
//
// Source: PostgreSQL manual, COPY, "Text Format".
#include <stdio.h>

#include "rules/type_parse.h"

enum { MOMENT_SIZE = 64 };

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
  int year;
  int month;
  int day;
  calendar_date(days, &year, &month, &day);
  return (size_t)snprintf(out, TYPE_DATE_SIZE, "%04d-%02d-%02d", year, month, day);
}

static size_t write_time(int64_t microseconds, char *out, size_t size) {
  int64_t seconds = microseconds / MICROSECONDS;
  return (size_t)snprintf(out, size, "%02d:%02d:%02d.%06d", (int)(seconds / 3600),
                          (int)(seconds / 60 % 60), (int)(seconds % 60),
                          (int)(microseconds % MICROSECONDS));
}

// A moment may be just outside of the years 1 to 9999, by its zone: year 0 is 1 BC.
static size_t write_timestamp(int64_t moment, const char *zone, char *out, size_t size) {
  int64_t time = moment % DAY_MICROSECONDS;
  time += time < 0 ? DAY_MICROSECONDS : 0;
  int year;
  int month;
  int day;
  char clock[MOMENT_SIZE];
  calendar_date((moment - time) / DAY_MICROSECONDS, &year, &month, &day);
  write_time(time, clock, sizeof clock);
  return (size_t)snprintf(out, size, "%04d-%02d-%02d %s%s%s", year > 0 ? year : 1 - year, month,
                          day, clock, zone, year > 0 ? "" : " BC");
}

// `west` is in seconds and whole minutes.
static size_t write_timetz(int64_t time, int32_t west, char *out, size_t size) {
  char clock[MOMENT_SIZE];
  int minutes = (west < 0 ? -west : west) / 60;
  write_time(time, clock, sizeof clock);
  return (size_t)snprintf(out, size, "%s%c%02d:%02d", clock, west > 0 ? '-' : '+', minutes / 60,
                          minutes % 60);
}

// The eight or twelve bytes of a timestamptz or a time with time zone.
static size_t write_zoned(TypeKind kind, const char *bytes, char *out, size_t size) {
  int64_t time = (int64_t)read_be64(bytes);
  if (kind == TYPE_TIMETZ)
    return write_timetz(time, (int32_t)read_be32(bytes + 8), out, size);
  return write_timestamp(time, "+00", out, size);
}

// An array of such values, read from its binary form, which has no text of any zone.
typedef struct ZonedArray {
  TypeKind element;
  const char *at; // the next field
  uint32_t dimensions;
  const char *header;
} ZonedArray;

static uint32_t dimension_size(const ZonedArray *array, uint32_t level) {
  return read_be32(array->header + 12 + 8 * level);
}

static void put_array_element(ZonedArray *array, Buffer *out) {
  uint32_t len = read_be32(array->at);
  char text[MOMENT_SIZE] = "NULL";
  size_t text_len = 4;
  array->at += sizeof len;
  if (len != UINT32_MAX) {
    text_len = write_zoned(array->element, array->at, text, sizeof text);
    array->at += len;
    buffer_put_u8(out, '"');
  }
  buffer_put(out, text, text_len);
  if (len != UINT32_MAX)
    buffer_put_u8(out, '"');
}

static void put_array_level(ZonedArray *array, uint32_t level, Buffer *out) {
  buffer_put_u8(out, '{');
  uint32_t size = level < array->dimensions ? dimension_size(array, level) : 0;
  for (uint32_t i = 0; i < size; i++) {
    if (i > 0)
      buffer_put_u8(out, ',');
    if (level + 1 < array->dimensions)
      put_array_level(array, level + 1, out);
    else
      put_array_element(array, out);
  }
  buffer_put_u8(out, '}');
}

static void put_zoned_array(TypeKind element, const char *bytes, Buffer *out) {
  ZonedArray array = {.element = element, .header = bytes, .dimensions = read_be32(bytes)};
  array.at = bytes + 12 + 8 * array.dimensions;
  put_array_level(&array, 0, out);
}

static char escape_letter(char c) {
  switch (c) {
  case '\\':
    return '\\';
  case '\t':
    return 't';
  case '\n':
    return 'n';
  case '\r':
    return 'r';
  default:
    return 0;
  }
}

static void put_escaped(const char *text, size_t len, Buffer *out) {
  if (len == 0 || !buffer_reserve(out, len * 2))
    return;
  char *to = out->data + out->len;
  for (size_t i = 0; i < len; i++) {
    char letter = escape_letter(text[i]);
    if (letter)
      *to++ = '\\';
    *to++ = letter ? letter : text[i];
  }
  out->len = (size_t)(to - out->data);
}

static bool is_zoned(TypeKind kind) {
  return kind == TYPE_TIMESTAMPTZ || kind == TYPE_TIMETZ;
}

void type_encode_text(const Type *type, const Value *value, const char *text, size_t len,
                      const Buffer *scratch, Buffer *out) {
  char moment[MOMENT_SIZE];
  if (value->null)
    buffer_put(out, "\\N", 2);
  else if (type->kind == TYPE_DATE)
    buffer_put(out, moment, type_write_date(value->integer, moment));
  else if (type->kind == TYPE_TIME)
    buffer_put(out, moment, write_time(value->integer, moment, sizeof moment));
  else if (type->kind == TYPE_TIMESTAMP)
    buffer_put(out, moment, write_timestamp(value->integer, "", moment, sizeof moment));
  else if (type->kind == TYPE_TIMESTAMPTZ)
    buffer_put(out, moment, write_timestamp(value->integer, "+00", moment, sizeof moment));
  else if (type->kind == TYPE_TIMETZ)
    buffer_put(out, moment,
               write_zoned(type->kind, type_bytes(value, scratch), moment, sizeof moment));
  else if (type->kind == TYPE_ARRAY && is_zoned(type->element))
    put_zoned_array(type->element, type_bytes(value, scratch), out);
  else
    put_escaped(text, len, out);
}
