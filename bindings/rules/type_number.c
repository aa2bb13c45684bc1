// smallint, integer, bigint, real and double: decimal text to machine numbers.
//
// Not numeric, which keeps its digits (type_numeric.c).
#define _GNU_SOURCE // strtod_l, strtof_l

#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "rules/decimal_text.h"

enum { MAX_MAGNITUDE_DIGITS = 19 }; // any number of 19 digits fits 64 bits

// The magnitude of the digits in [at, end). False when they are none, or not all digits; a number
// too big for 64 bits gives UINT64_MAX.
static bool read_magnitude(const char *at, const char *end, uint64_t *magnitude) {
  if (at == end)
    return false;
  while (end - at > MAX_MAGNITUDE_DIGITS && *at == '0')
    at++;
  uint64_t n = 0;
  size_t digits = (size_t)(end - at);
  if (decimal_digits(at, end, &n) != end)
    return false;
  *magnitude = digits > MAX_MAGNITUDE_DIGITS ? UINT64_MAX : n;
  return true;
}

static bool parse_integer(const Type *type, const char *text, size_t len, Buffer *scratch,
                          Value *value, const char **reason) {
  (void)scratch;
  const char *at = text;
  const char *end = text + len;
  trim_space(&at, &end);
  bool negative = at < end && *at == '-';
  if (at < end && (*at == '-' || *at == '+'))
    at++;
  uint64_t magnitude;
  if (!read_magnitude(at, end, &magnitude))
    return refuse(type->kind->refusal, reason);
  uint64_t limit = (uint64_t)INT64_MAX >> (64 - 8 * type->kind->size);
  if (magnitude > limit + negative)
    return refuse(type->kind->out_of_range, reason);
  value->integer = (int64_t)(negative ? 0 - magnitude : magnitude);
  return true;
}

int compare_integers(const Value *a, const Value *b, const Buffer *scratch) {
  (void)scratch;
  return (a->integer > b->integer) - (a->integer < b->integer);
}

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void make_c_locale(void) {
  c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

// Converts as the server does, with the C library's own correctly rounded conversion. False when
// the number is beyond the type's range, or so small that it would become zero.
static bool convert(bool narrow, const char *text, double *out) {
  pthread_once(&c_locale_once, make_c_locale);
  errno = 0;
  double number = narrow ? (double)strtof_l(text, NULL, c_locale) : strtod_l(text, NULL, c_locale);
  *out = number;
  return errno != ERANGE || (number != 0 && !isinf(number));
}

// The same for text that has no NUL after it: copied to the stack, or if long, after the scratch.
static bool convert_copy(bool narrow, const char *at, const char *end, Buffer *scratch,
                         double *out) {
  char local[64];
  size_t len = (size_t)(end - at);
  char *copy = local;
  if (len >= sizeof local) {
    if (!buffer_reserve(scratch, len + 1))
      return false;
    copy = scratch->data + scratch->len;
  }
  memcpy(copy, at, len);
  copy[len] = 0;
  return convert(narrow, copy, out);
}

// Up to 15 digits and a small power of ten are exact in a double (7 and 10 in a float), so that one
// multiplication or division rounds as strtod would (Clinger, "How to read floating point numbers
// accurately", 1990). Only where the machine does not compute with more precision than it stores.
static bool convert_exact(bool narrow, const DecimalText *text, double *out) {
  static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  int64_t exponent = text->exponent - (int64_t)text->fraction_len;
  int64_t size = exponent < 0 ? -exponent : exponent;
  if (FLT_EVAL_METHOD != 0 || text->whole_len + text->fraction_len > MAX_MAGNITUDE_DIGITS ||
      text->mantissa > (narrow ? UINT64_C(1) << 24 : UINT64_C(1) << 53) ||
      size > (narrow ? 10 : 22))
    return false;
  double number = (double)text->mantissa;
  double power = powers[size];
  if (narrow)
    number = exponent < 0 ? (double)((float)number / (float)power)
                          : (double)((float)number * (float)power);
  else
    number = exponent < 0 ? number / power : number * power;
  *out = text->negative ? -number : number;
  return true;
}

static bool special_float(Special special, Value *value) {
  value->real = special == SPECIAL_NAN        ? (double)NAN
                : special == SPECIAL_INFINITY ? (double)INFINITY
                                              : -(double)INFINITY;
  return special != SPECIAL_NONE;
}

static bool parse_float(const Type *type, const char *text, size_t len, Buffer *scratch,
                        Value *value, const char **reason) {
  const char *at = text;
  const char *end = text + len;
  trim_space(&at, &end);
  DecimalText decimal;
  bool narrow = type->kind->size == sizeof(float);
  *reason = type->kind->refusal;
  if (!decimal_scan(at, end, &decimal))
    return special_float(decimal_special(at, end), value);
  if (convert_exact(narrow, &decimal, &value->real))
    return true;
  *reason = type->kind->out_of_range;
  return convert_copy(narrow, at, end, scratch, &value->real);
}

// NaN equals itself and is greater than all else; the two zeros are equal.
static int compare_floats(const Value *a, const Value *b, const Buffer *scratch) {
  (void)scratch;
  bool a_nan = a->real != a->real;
  bool b_nan = b->real != b->real;
  return a_nan || b_nan ? a_nan - b_nan : (a->real > b->real) - (a->real < b->real);
}

static const TypeKind smallint_type = {
    .odd_signs = "_xXoObB",
    .name = "smallint",
    .aliases = {"int2"},
    .oid = 21,
    .parse = parse_integer,
    .compare = compare_integers,
    .refusal = "not a smallint",
    .out_of_range = "out of range for smallint",
    .family = "integer",
    .form = VALUE_INTEGER,
    .size = 2,
    .scalar = SCALAR_INTEGER,
    .is_number = true,
};

static const TypeKind integer_type = {
    .odd_signs = "_xXoObB",
    .name = "integer",
    .aliases = {"int", "int4"},
    .oid = 23,
    .parse = parse_integer,
    .compare = compare_integers,
    .refusal = "not an integer",
    .out_of_range = "out of range for integer",
    .family = "integer",
    .form = VALUE_INTEGER,
    .size = 4,
    .scalar = SCALAR_INTEGER,
    .is_number = true,
};

const TypeKind type_bigint = {
    .odd_signs = "_xXoObB",
    .name = "bigint",
    .aliases = {"int8"},
    .oid = 20,
    .parse = parse_integer,
    .compare = compare_integers,
    .refusal = "not a bigint",
    .out_of_range = "out of range for bigint",
    .family = "integer",
    .form = VALUE_INTEGER,
    .size = 8,
    .scalar = SCALAR_INTEGER,
    .is_number = true,
};

// -0 is 0, and every NaN the same.
static TypeIdentity float_identity(const Value *value, const Buffer *scratch) {
  (void)scratch;
  double number = value->real == 0 ? 0 : value->real != value->real ? (double)NAN : value->real;
  TypeIdentity identity = {0};
  memcpy(&identity.number, &number, sizeof number);
  return identity;
}

static const TypeKind real_type = {
    .odd_signs = "_xX(nN",
    .name = "real",
    .aliases = {"float4"},
    .oid = 700,
    .parse = parse_float,
    .compare = compare_floats,
    .identity = float_identity,
    .refusal = "not a real",
    .out_of_range = "out of range for real",
    .family = "float",
    .form = VALUE_REAL,
    .size = sizeof(float),
    .scalar = SCALAR_REAL,
    .is_number = true,
};

const TypeKind type_double = {
    .odd_signs = "_xX(nN",
    .name = "double precision",
    .aliases = {"float8", "float"},
    .oid = 701,
    .parse = parse_float,
    .compare = compare_floats,
    .identity = float_identity,
    .refusal = "not a double precision",
    .out_of_range = "out of range for double precision",
    .family = "float",
    .form = VALUE_REAL,
    .size = sizeof(double),
    .scalar = SCALAR_REAL,
    .is_number = true,
};

const TypeKind *const number_types[] = {
    &smallint_type, &integer_type, &type_bigint, &real_type, &type_double, NULL,
};
