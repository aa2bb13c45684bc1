// The shape of a decimal number in text: sign, digits, point, exponent; shared by numeric, real and
// double. Finds the parts and does not convert; also knows the words NaN and Infinity.
#ifndef PGHOST_RULES_DECIMAL_TEXT_H
#define PGHOST_RULES_DECIMAL_TEXT_H

#include "rules/type_tools.h"

typedef enum Special {
  SPECIAL_NONE,
  SPECIAL_NAN,
  SPECIAL_INFINITY,
  SPECIAL_MINUS_INFINITY,
} Special;

typedef struct DecimalText {
  bool negative;
  const char *whole; // digits before the point
  size_t whole_len;
  const char *fraction; // digits after it
  size_t fraction_len;
  int64_t exponent;  // as written, clamped to +-EXPONENT_CLAMP
  uint64_t mantissa; // all digits as one integer, while there are at most 19
} DecimalText;

#define EXPONENT_CLAMP INT64_C(4000000000)

// Reads digits from `at` on; returns the end of them.
static inline const char *decimal_digits(const char *at, const char *end, uint64_t *number) {
  uint64_t n = *number;
  for (; at < end && is_digit(*at); at++)
    n = n * 10 + (uint64_t)(*at - '0');
  *number = n;
  return at;
}

// Reads "e", a sign and digits. False when it is not that to the end.
static inline bool decimal_exponent(const char *at, const char *end, int64_t *exponent) {
  if (at == end || (*at | 0x20) != 'e')
    return false;
  at++;
  bool negative = at < end && *at == '-';
  if (at < end && (*at == '-' || *at == '+'))
    at++;
  if (at == end)
    return false;
  int64_t n = 0;
  for (; at < end && is_digit(*at); at++)
    n = n > EXPONENT_CLAMP ? n : n * 10 + (*at - '0');
  n = n > EXPONENT_CLAMP ? EXPONENT_CLAMP : n;
  *exponent = negative ? -n : n;
  return at == end;
}

// False when [at, end), white space already trimmed, is not a decimal number.
static inline bool decimal_scan(const char *at, const char *end, DecimalText *out) {
  out->negative = at < end && *at == '-';
  if (at < end && (*at == '-' || *at == '+'))
    at++;
  out->mantissa = 0;
  out->exponent = 0;
  out->whole = at;
  at = decimal_digits(at, end, &out->mantissa);
  out->whole_len = (size_t)(at - out->whole);
  if (at < end && *at == '.')
    at++;
  out->fraction = at;
  if (at > out->whole + out->whole_len)
    at = decimal_digits(at, end, &out->mantissa);
  out->fraction_len = (size_t)(at - out->fraction);
  if (out->whole_len + out->fraction_len == 0)
    return false;
  return at == end || decimal_exponent(at, end, &out->exponent);
}

static inline Special decimal_special(const char *at, const char *end) {
  if (is_word(at, end, "nan"))
    return SPECIAL_NAN;
  bool negative = at < end && *at == '-';
  if (at < end && (*at == '-' || *at == '+'))
    at++;
  if (!is_word(at, end, "inf") && !is_word(at, end, "infinity"))
    return SPECIAL_NONE;
  return negative ? SPECIAL_MINUS_INFINITY : SPECIAL_INFINITY;
}

#endif
