// See fuzz_value.h. Formats are written here once more, and not taken from bindings/rules/.
#include "fuzz_value.h"

#include <inttypes.h>

#include "rules/text.h"

enum {
  PREFIX = 4,  // bytes of a field's length
  NUMERIC = 8, // bytes of a numeric before its groups
  FAR = 64,    // groups: numerics beyond are not written down
  MINUS = 0x4000,
  NOT_A_NUMBER = 0xC000,
  INFINITE = 0xD000,
  MINUS_INFINITE = 0xF000,
  MAX_SCALE = 0x3fff,
};

#define DAY (INT64_C(86400) * 1000000)

static const TypeKind *find_kind(uint32_t oid) {
  for (size_t i = 0; type_kind(i); i++)
    if (type_kind(i)->oid == oid)
      return type_kind(i);
  abort();
}

static const FuzzOid oids[FUZZ_SCALARS] = {
    OID_TEXT,        OID_VARCHAR, OID_SMALLINT, OID_INTEGER, OID_BIGINT, OID_NUMERIC,
    OID_REAL,        OID_DOUBLE,  OID_BOOLEAN,  OID_DATE,    OID_TIME,   OID_TIMESTAMP,
    OID_TIMESTAMPTZ, OID_UUID,    OID_JSON,     OID_JSONB,   OID_TIMETZ, OID_INTERVAL,
    OID_INET,        OID_CIDR,    OID_BYTEA,    OID_CHAR};

size_t fuzz_kinds(void) {
  size_t count = 0;
  while (type_kind(count))
    count++;
  return count + 3;
}

const TypeKind *fuzz_kind(size_t i) {
  const TypeKind *const nameless[] = {&type_enum, &type_array, &type_other};
  if (i < FUZZ_SCALARS)
    return find_kind(oids[i]);
  i -= FUZZ_SCALARS;
  if (i < 3)
    return nameless[i];
  for (size_t k = 0, newer = i - 3;; k++) {
    bool known = false;
    for (size_t n = 0; n < FUZZ_SCALARS; n++)
      known = known || type_kind(k)->oid == (uint32_t)oids[n];
    if (!known && newer-- == 0)
      return type_kind(k);
  }
}

void fuzz_set_numbers(Type *type, uint8_t first, uint8_t second) {
  if (type->kind->parameter == PARAMETER_LENGTH)
    type->length = first;
  if (type->kind->parameter == PARAMETER_PRECISION && first) {
    type->precision = first;
    type->scale = (int8_t)second;
  }
}

char *fuzz_text(const FuzzInput *input) {
  char *text = malloc(input->left + 1);
  if (!text)
    abort();
  if (input->left)
    memcpy(text, input->at, input->left);
  text[input->left] = 0;
  if (text_storable(text, input->left))
    return text;
  for (size_t i = 0; i < input->left; i++) {
    text[i] &= 0x7f;
    text[i] = text[i] ? text[i] : ' ';
  }
  return text;
}

static unsigned word_at(const Buffer *field, size_t index) {
  const unsigned char *at = (const unsigned char *)field->data + PREFIX + 2 * index;
  return (unsigned)at[0] << 8 | at[1];
}

// numeric_recv of PostgreSQL's src/backend/utils/adt/numeric.c refuses what is not so.
static void check_numeric(const Type *type, const Buffer *field) {
  fuzz_check(field->len >= PREFIX + NUMERIC, "a numeric without its header");
  unsigned groups = word_at(field, 0), sign = word_at(field, 2), scale = word_at(field, 3);
  fuzz_check(field->len == PREFIX + NUMERIC + 2 * groups, "a numeric of another length");
  fuzz_check(sign == 0 || sign == MINUS || sign == NOT_A_NUMBER || sign == INFINITE ||
                 sign == MINUS_INFINITE,
             "a numeric of a strange sign");
  fuzz_check(groups == 0 || sign <= MINUS, "digits of what is no number");
  fuzz_check(scale <= MAX_SCALE, "a scale beyond the format");
  for (unsigned i = 0; i < groups; i++)
    fuzz_check(word_at(field, 4 + i) < 10000, "a group of too many digits");
  if (groups)
    fuzz_check(word_at(field, 4) && word_at(field, 3 + groups), "groups of zeros at an end");
  if (type->precision && sign <= MINUS)
    fuzz_check((int)scale == (type->scale > 0 ? type->scale : 0), "a scale that is not the type's");
}

// Bytes of a kind's field, 0 where that depends on the value.
static size_t fixed_length(const TypeKind *kind) {
  switch (kind->oid) {
  case OID_BOOLEAN:
    return 1;
  case OID_SMALLINT:
    return 2;
  case OID_INTEGER:
  case OID_DATE:
  case OID_REAL:
    return 4;
  case OID_BIGINT:
  case OID_DOUBLE:
  case OID_TIME:
  case OID_TIMESTAMP:
  case OID_TIMESTAMPTZ:
    return 8;
  case OID_UUID:
  case OID_INTERVAL:
    return 16;
  case OID_TIMETZ:
    return 12;
  default:
    return 0;
  }
}

// Whether the field is the value's text; jsonb has a version before it.
static bool is_text_kind(const TypeKind *kind) {
  return kind->oid == OID_TEXT || kind->oid == OID_VARCHAR || kind->oid == OID_JSON ||
         kind->oid == OID_JSONB || kind->oid == OID_CHAR || kind == &type_enum ||
         kind == &type_other;
}

static void check_integer(const Type *type, int64_t integer) {
  bool good = true;
  switch (type->kind->oid) {
  case OID_BOOLEAN:
    good = integer == 0 || integer == 1;
    break;
  case OID_SMALLINT:
    good = integer >= INT16_MIN && integer <= INT16_MAX;
    break;
  case OID_INTEGER:
    good = integer >= INT32_MIN && integer <= INT32_MAX;
    break;
  case OID_TIME:
    good = integer >= 0 && integer <= DAY;
    break;
  case OID_DATE: // 4714-11-24 BC, the first day that has a Julian day, to 9999-12-31
    good = integer >= -2451545 && integer <= 2921939;
    break;
  case OID_TIMESTAMP: // and the start of the next day
    good = integer >= -2451545 * DAY && integer <= 2921940 * DAY;
    break;
  case OID_TIMESTAMPTZ: // and the zones
    good = integer >= -2451546 * DAY && integer <= 2921941 * DAY;
    break;
  default:
    break;
  }
  fuzz_check(good, "a value out of its range");
}

void fuzz_check_field(const Type *type, const Value *value, const Buffer *field) {
  fuzz_check(!field->failed && field->len >= PREFIX, "a field without its length");
  uint32_t len;
  memcpy(&len, field->data, sizeof len);
  fuzz_check(__builtin_bswap32(len) == field->len - PREFIX, "a field with a wrong length");
  size_t fixed = fixed_length(type->kind);
  fuzz_check(fixed == 0 || field->len == PREFIX + fixed, "a field of another length");
  if (type->kind->oid == OID_NUMERIC)
    check_numeric(type, field);
  check_integer(type, value->integer);
}

// Canonical texts

// https://howardhinnant.github.io/date_algorithms.html#civil_from_days, from 2000-01-01.
static void set_date(FuzzMoment *moment, int64_t days) {
  days += 730425; // from 0000-03-01
  int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  int64_t of_era = days - era * 146097;
  int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
  int64_t month = (5 * of_year + 2) / 153;
  moment->day = (unsigned)(of_year - (153 * month + 2) / 5 + 1);
  moment->month = (unsigned)(month < 10 ? month + 3 : month - 9);
  moment->year = year + era * 400 + (moment->month <= 2);
}

FuzzMoment fuzz_moment(const Type *type, const Value *value) {
  FuzzMoment moment = {0};
  int64_t time = type->kind->oid == OID_DATE ? 0 : value->integer;
  int64_t days = type->kind->oid == OID_DATE ? value->integer : 0;
  if (type->kind->oid == OID_TIMESTAMP || type->kind->oid == OID_TIMESTAMPTZ) {
    days = time / DAY - (time % DAY < 0);
    time -= days * DAY;
  }
  set_date(&moment, days);
  moment.microsecond = (unsigned)(time % 1000000);
  moment.second = (unsigned)(time / 1000000 % 60);
  moment.minute = (unsigned)(time / 60000000 % 60);
  moment.hour = (unsigned)(time / 3600000000);
  return moment;
}

static int write_moment(const Type *type, const Value *value, char *out, size_t size) {
  FuzzMoment moment = fuzz_moment(type, value);
  if (moment.year < 1 || moment.year > 9999)
    return 0;
  char date[32], time[32];
  snprintf(date, sizeof date, "%04" PRId64 "-%02u-%02u", moment.year, moment.month, moment.day);
  snprintf(time, sizeof time, "%02u:%02u:%02u.%06u", moment.hour, moment.minute, moment.second,
           moment.microsecond);
  if (type->kind->oid == OID_DATE)
    return snprintf(out, size, "%s", date);
  if (type->kind->oid == OID_TIME)
    return snprintf(out, size, "%s", time);
  return snprintf(out, size, "%s %s%s", date, time,
                  type->kind->oid == OID_TIMESTAMPTZ ? "+00" : "");
}

static int write_real(const Type *type, const Value *value, char *out, size_t size) {
  if (value->real != value->real)
    return snprintf(out, size, "NaN");
  if (value->real - value->real != 0)
    return snprintf(out, size, "%sInfinity", value->real < 0 ? "-" : "");
  return snprintf(out, size, "%.*g", type->kind->oid == OID_REAL ? 9 : 17, value->real);
}

static int write_uuid(const Buffer *field, char *out, size_t size) {
  int len = 0;
  for (size_t i = 0; i < 16; i++)
    len += snprintf(out + len, size - (size_t)len, "%02x",
                    (unsigned)(unsigned char)field->data[PREFIX + i]);
  return len;
}

// The decimal digit that is worth 10^power.
static char digit_at(const Buffer *field, int power) {
  static const unsigned powers[] = {1, 10, 100, 1000};
  int groups = (int)word_at(field, 0), weight = (int16_t)word_at(field, 1);
  int of_group = power >= 0 ? power / 4 : -((3 - power) / 4);
  int index = weight - of_group;
  if (index < 0 || index >= groups)
    return '0';
  return (char)('0' + word_at(field, 4 + (size_t)index) / powers[power - of_group * 4] % 10);
}

static int write_numeric(const Buffer *field, char *out, size_t size) {
  unsigned sign = word_at(field, 2);
  int weight = (int16_t)word_at(field, 1), scale = (int)word_at(field, 3), len = 0;
  if (sign > MINUS)
    return snprintf(out, size, "%s",
                    sign == NOT_A_NUMBER ? "NaN"
                    : sign == INFINITE   ? "Infinity"
                                         : "-Infinity");
  if (weight > FAR || scale > FAR * 4)
    return 0;
  if (sign == MINUS)
    out[len++] = '-';
  for (int power = weight < 0 ? 0 : weight * 4 + 3; power >= -scale; power--) {
    if (power == -1)
      out[len++] = '.';
    out[len++] = digit_at(field, power);
  }
  return len;
}

// 0: there is none.
static int write_canonical(const Type *type, const Value *value, const Buffer *field, char *out,
                           size_t size) {
  switch (type->kind->oid) {
  case OID_BOOLEAN:
    return snprintf(out, size, "%s", value->integer ? "true" : "false");
  case OID_SMALLINT:
  case OID_INTEGER:
  case OID_BIGINT:
    return snprintf(out, size, "%" PRId64, value->integer);
  case OID_NUMERIC:
    return write_numeric(field, out, size);
  case OID_REAL:
  case OID_DOUBLE:
    return write_real(type, value, out, size);
  case OID_DATE:
  case OID_TIME:
  case OID_TIMESTAMP:
  case OID_TIMESTAMPTZ:
    return write_moment(type, value, out, size);
  case OID_UUID:
    return write_uuid(field, out, size);
  default:
    return 0;
  }
}

void fuzz_expect_field(const Type *type, const char *text, size_t len, const Buffer *field) {
  static Buffer scratch, again;
  Value value;
  const char *reason;
  buffer_clear(&scratch);
  buffer_clear(&again);
  bool good = type_parse(type, text, len, &scratch, &value, &reason);
  if (good)
    type_encode(type, &value, &scratch, &again);
  if (good && again.len == field->len && memcmp(again.data, field->data, field->len) == 0)
    return;
  fprintf(stderr, "canonical: '%.*s'\n", (int)len, text);
  fuzz_check(good, "a canonical text is refused");
  fuzz_check(false, "a canonical text is another value");
}

void fuzz_check_canonical(const Type *type, const Value *value, const Buffer *field) {
  char text[1024];
  size_t skipped = type->kind->oid == OID_JSONB ? PREFIX + 1 : PREFIX;
  if (is_text_kind(type->kind)) {
    fuzz_expect_field(type, field->data + skipped, field->len - skipped, field);
    return;
  }
  int len = write_canonical(type, value, field, text, sizeof text);
  Type plain = *type; // written in ISO 8601, whatever the type's format
  plain.format = NULL;
  if (len > 0)
    fuzz_expect_field(&plain, text, (size_t)len, field);
}
