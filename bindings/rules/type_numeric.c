// numeric: decimal text to the server's base-10000 digits, exactly, and their comparison.
//
// The binary form is numeric_send's (PostgreSQL, src/backend/utils/adt/numeric.c): four 16 bit
// words, number of groups, weight of the first group, sign, digits after the point; then the
// groups, each four decimal digits, without leading and trailing zero groups.
#include "rules/decimal_text.h"

enum {
  GROUP = 4, // decimal digits
  HEADER_BYTES = 8,
  SIGN_MINUS = 0x4000,
  SIGN_NAN = 0xC000,
  SIGN_INFINITY = 0xD000,
  SIGN_MINUS_INFINITY = 0xF000,
  SPECIAL_SCALE = 32, // what numeric_send says of the infinities
  MAX_SCALE = 16383,  // of the storage format
  FAST_DIGITS = 16,
};

// The exponents that the server always refuses: INT_MAX / 2 and beyond.
#define EXPONENT_LIMIT INT64_C(1073741823)

// Significant decimal digits, each a byte 0 to 9: digits[0] is worth digits[0] * 10^weight. No
// digits: zero.
typedef struct Decimal {
  unsigned char *digits; // one byte before it is free, for a carry
  size_t count;
  int64_t weight;
  int64_t scale; // digits shown after the point
} Decimal;

static void put_header(Buffer *out, size_t groups, int64_t weight, unsigned sign, int64_t scale) {
  buffer_put_u16(out, (uint16_t)groups);
  buffer_put_u16(out, (uint16_t)weight);
  buffer_put_u16(out, (uint16_t)sign);
  buffer_put_u16(out, (uint16_t)scale);
}

static bool finish(const Buffer *scratch, size_t start, Value *value, const char **reason) {
  *reason = "out of memory";
  value->bytes = NULL;
  value->integer = (int64_t)start;
  value->len = (uint32_t)(scratch->len - start);
  return !scratch->failed;
}

static bool put_special(const Type *type, Special special, Buffer *scratch, Value *value,
                        const char **reason) {
  static const unsigned signs[] = {0, SIGN_NAN, SIGN_INFINITY, SIGN_MINUS_INFINITY};
  *reason = special == SPECIAL_NONE ? type->kind->refusal : type->kind->out_of_range;
  if (special == SPECIAL_NONE || (special != SPECIAL_NAN && type->precision))
    return false;
  size_t start = scratch->len;
  put_header(scratch, 0, 0, signs[special], special == SPECIAL_NAN ? 0 : SPECIAL_SCALE);
  return finish(scratch, start, value, reason);
}

// Numbers of at most FAST_DIGITS digits without exponent, scale not negative: all in 64 bits.
static bool is_fast(const Type *type, const DecimalText *text) {
  return text->exponent == 0 && text->whole_len + text->fraction_len <= FAST_DIGITS &&
         type->scale >= 0;
}

static const uint64_t powers[] = {UINT64_C(1),
                                  UINT64_C(10),
                                  UINT64_C(100),
                                  UINT64_C(1000),
                                  UINT64_C(10000),
                                  UINT64_C(100000),
                                  UINT64_C(1000000),
                                  UINT64_C(10000000),
                                  UINT64_C(100000000),
                                  UINT64_C(1000000000),
                                  UINT64_C(10000000000),
                                  UINT64_C(100000000000),
                                  UINT64_C(1000000000000),
                                  UINT64_C(10000000000000),
                                  UINT64_C(100000000000000),
                                  UINT64_C(1000000000000000),
                                  UINT64_C(10000000000000000)};

// Rounds to the type's scale and checks its precision. False: too big.
static bool limit_fast(const Type *type, uint64_t *mantissa, unsigned *fraction) {
  if (*fraction > (unsigned)type->scale) {
    uint64_t unit = powers[*fraction - (unsigned)type->scale];
    *mantissa = (*mantissa + unit / 2) / unit;
    *fraction = (unsigned)type->scale;
  }
  int64_t room = (int64_t)type->precision - type->scale + *fraction;
  if (room > FAST_DIGITS)
    return true;
  return room < 0 ? *mantissa == 0 : *mantissa < powers[room];
}

// Writes mantissa / 10^fraction.
static void put_fast(Buffer *out, uint64_t mantissa, unsigned fraction, bool negative,
                     int64_t scale) {
  uint16_t groups[5];
  unsigned padding = (GROUP - fraction % GROUP) % GROUP;
  int after = (int)((fraction + padding) / GROUP); // groups after the point
  mantissa *= powers[padding];
  int skipped = 0;
  for (; mantissa && mantissa % 10000 == 0; skipped++)
    mantissa /= 10000;
  int count = 0;
  for (; mantissa; mantissa /= 10000)
    groups[count++] = (uint16_t)(mantissa % 10000);
  int weight = count ? count + skipped - after - 1 : 0;
  put_header(out, (size_t)count, weight, negative && count ? SIGN_MINUS : 0, scale);
  while (count > 0)
    buffer_put_u16(out, groups[--count]);
}

static bool parse_fast(const Type *type, const DecimalText *text, Buffer *scratch, Value *value,
                       const char **reason) {
  uint64_t mantissa = text->mantissa;
  unsigned fraction = (unsigned)text->fraction_len;
  int64_t scale = (int64_t)fraction;
  if (type->precision) {
    scale = type->scale;
    if (!limit_fast(type, &mantissa, &fraction)) {
      *reason = type->kind->out_of_range;
      return false;
    }
  }
  size_t start = scratch->len;
  buffer_reserve(scratch, HEADER_BYTES + 5 * sizeof(uint16_t));
  put_fast(scratch, mantissa, fraction, text->negative, scale);
  return finish(scratch, start, value, reason);
}

static void strip_zeros(Decimal *decimal) {
  while (decimal->count && decimal->digits[0] == 0) {
    decimal->digits++;
    decimal->count--;
    decimal->weight--;
  }
  while (decimal->count && decimal->digits[decimal->count - 1] == 0)
    decimal->count--;
}

// Copies the digits of the text to `digits`.
static Decimal read_decimal(const DecimalText *text, unsigned char *digits) {
  Decimal decimal = {.digits = digits, .count = text->whole_len + text->fraction_len};
  for (size_t i = 0; i < text->whole_len; i++)
    digits[i] = (unsigned char)(text->whole[i] - '0');
  for (size_t i = 0; i < text->fraction_len; i++)
    digits[text->whole_len + i] = (unsigned char)(text->fraction[i] - '0');
  decimal.weight = (int64_t)text->whole_len - 1 + text->exponent;
  decimal.scale = (int64_t)text->fraction_len - text->exponent;
  decimal.scale = decimal.scale < 0 ? 0 : decimal.scale;
  strip_zeros(&decimal);
  return decimal;
}

// Rounds half away from zero to `scale` digits after the point; negative: before it.
static void round_decimal(Decimal *decimal, int32_t scale) {
  int64_t keep = decimal->weight + 1 + scale;
  decimal->scale = scale < 0 ? 0 : scale;
  if (keep >= (int64_t)decimal->count)
    return;
  if (keep < 0) {
    decimal->count = 0;
    return;
  }
  bool up = decimal->digits[keep] >= 5;
  decimal->count = (size_t)keep;
  if (up) {
    while (decimal->count && decimal->digits[decimal->count - 1] == 9)
      decimal->count--;
    if (decimal->count) {
      decimal->digits[decimal->count - 1]++;
    } else {
      *--decimal->digits = 1;
      decimal->count = 1;
      decimal->weight++;
    }
  }
  strip_zeros(decimal);
}

static int64_t group_weight(const Decimal *decimal) {
  int64_t weight = decimal->weight;
  return weight >= 0 ? weight / GROUP : -((-weight - 1) / GROUP) - 1;
}

static bool fits_storage(const Decimal *decimal) {
  if (decimal->scale > MAX_SCALE)
    return false;
  int64_t weight = group_weight(decimal);
  return decimal->count == 0 || (weight >= INT16_MIN && weight <= INT16_MAX);
}

static void put_decimal(Buffer *out, const Decimal *decimal, bool negative) {
  if (decimal->count == 0) {
    put_header(out, 0, 0, 0, decimal->scale);
    return;
  }
  int64_t weight = group_weight(decimal);
  size_t lead = (size_t)(decimal->weight - weight * GROUP) + 1; // digits in the first group
  size_t zeros = GROUP - lead;
  size_t groups = (zeros + decimal->count + GROUP - 1) / GROUP;
  put_header(out, groups, weight, negative ? SIGN_MINUS : 0, decimal->scale);
  for (size_t i = 0; i < groups; i++) {
    unsigned group = 0;
    for (size_t j = i * GROUP; j < (i + 1) * GROUP; j++)
      group =
          group * 10 + (j >= zeros && j - zeros < decimal->count ? decimal->digits[j - zeros] : 0);
    buffer_put_u16(out, (uint16_t)group);
  }
}

// Any number. The digits lie after what is written, in the same buffer.
static bool parse_slow(const Type *type, const DecimalText *text, Buffer *scratch, Value *value,
                       const char **reason) {
  size_t count = text->whole_len + text->fraction_len;
  size_t output = HEADER_BYTES + (count / GROUP + 2) * sizeof(uint16_t);
  *reason = "out of memory";
  if (!buffer_reserve(scratch, output + 1 + count))
    return false;
  size_t start = scratch->len;
  Decimal decimal = read_decimal(text, (unsigned char *)scratch->data + start + output + 1);
  *reason = type->kind->out_of_range;
  if (text->exponent >= EXPONENT_LIMIT || text->exponent <= -EXPONENT_LIMIT)
    return false;
  if (type->precision) {
    round_decimal(&decimal, type->scale);
    if (decimal.count && decimal.weight + 1 > type->precision - type->scale)
      return false;
  }
  if (!fits_storage(&decimal))
    return false;
  put_decimal(scratch, &decimal, text->negative);
  return finish(scratch, start, value, reason);
}

static bool parse_numeric(const Type *type, const char *text, size_t len, Buffer *scratch,
                          Value *value, const char **reason) {
  const char *at = text;
  const char *end = text + len;
  trim_space(&at, &end);
  DecimalText decimal;
  if (!decimal_scan(at, end, &decimal))
    return put_special(type, decimal_special(at, end), scratch, value, reason);
  if (is_fast(type, &decimal))
    return parse_fast(type, &decimal, scratch, value, reason);
  return parse_slow(type, &decimal, scratch, value, reason);
}

bool numeric_fits(const char *text, size_t len) {
  DecimalText decimal;
  if (!decimal_scan(text, text + len, &decimal))
    return false;
  if (decimal.exponent >= EXPONENT_LIMIT || decimal.exponent <= -EXPONENT_LIMIT)
    return false;
  int64_t weight = (int64_t)decimal.whole_len - 1 + decimal.exponent;
  int64_t scale = (int64_t)decimal.fraction_len - decimal.exponent;
  const char *at = decimal.whole;
  const char *end = decimal.fraction + decimal.fraction_len;
  for (; at < end && (*at == '0' || *at == '.'); at++)
    weight -= *at == '0';
  Decimal shape = {.count = at < end, .weight = weight, .scale = scale};
  return fits_storage(&shape);
}

static int word_at(const char *bytes, int index) {
  unsigned high = (unsigned char)bytes[2 * index];
  unsigned low = (unsigned char)bytes[2 * index + 1];
  return (int)(high << 8 | low);
}

// -Infinity, numbers, Infinity, NaN.
static int rank(int sign) {
  return sign == SIGN_MINUS_INFINITY ? 0 : sign == SIGN_INFINITY ? 2 : sign == SIGN_NAN ? 3 : 1;
}

static int compare_int(int a, int b) {
  return (a > b) - (a < b);
}

// Both are numbers of the same sign and not zero: the greater magnitude is 1. Groups are big
// endian, so bytes compare as they do.
static int compare_magnitude(const char *a, const char *b) {
  int order = compare_int((int16_t)word_at(a, 1), (int16_t)word_at(b, 1));
  if (order)
    return order;
  int a_groups = word_at(a, 0);
  int b_groups = word_at(b, 0);
  size_t common = (size_t)(a_groups < b_groups ? a_groups : b_groups);
  order = memcmp(a + HEADER_BYTES, b + HEADER_BYTES, 2 * common);
  return order ? compare_int(order, 0) : compare_int(a_groups, b_groups);
}

static int direction(const char *number) {
  return word_at(number, 0) == 0 ? 0 : word_at(number, 2) == SIGN_MINUS ? -1 : 1;
}

// By value: -Infinity < numbers < Infinity < NaN.
static int compare_numerics(const Value *left, const Value *right, const Buffer *scratch) {
  const char *a = type_bytes(left, scratch);
  const char *b = type_bytes(right, scratch);
  int order = compare_int(rank(word_at(a, 2)), rank(word_at(b, 2)));
  if (order || rank(word_at(a, 2)) != 1)
    return order;
  int a_direction = direction(a);
  order = compare_int(a_direction, direction(b));
  if (order || a_direction == 0)
    return order;
  return a_direction * compare_magnitude(a, b);
}

// All but the digits that are shown after the point: 1.0 is 1.00.
static TypeIdentity numeric_identity(const Value *value, const Buffer *scratch) {
  const char *bytes = type_bytes(value, scratch);
  uint64_t head = 0;
  bool special = rank(word_at(bytes, 2)) != 1;
  for (int i = 0; i < 3; i++)
    head = head << 16 | (uint64_t)word_at(bytes, i);
  return (TypeIdentity){head, bytes + HEADER_BYTES, special ? 0 : value->len - HEADER_BYTES};
}

const TypeKind type_numeric = {
    .odd_signs = "_xXoObBeE",
    .name = "numeric",
    .aliases = {"decimal", "dec"},
    .oid = 1700,
    .parse = parse_numeric,
    .compare = compare_numerics,
    .identity = numeric_identity,
    .refusal = "not a numeric",
    .out_of_range = "out of range for numeric",
    .parameter = PARAMETER_PRECISION,
    .is_number = true,
};

const TypeKind *const numeric_types[] = {&type_numeric, NULL};
