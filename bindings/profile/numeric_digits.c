// See numeric_digits.h.
#include "profile/numeric_digits.h"

#include <math.h>
#include <stdio.h>

enum {
  SIGN_MINUS = 0x4000,
  SIGN_NAN = 0xC000,
  SIGN_INFINITY = 0xD000,
  SIGN_MINUS_INFINITY = 0xF000,
  GROUP_DIGITS = 4,
  SCALE_AT = 6,
};

static unsigned word(const char *bytes, int i) {
  uint16_t number;
  memcpy(&number, bytes + 2 * i, sizeof number);
  return __builtin_bswap16(number);
}

void numeric_key(const char *bytes, uint32_t len, char *out) {
  memcpy(out, bytes, len);
  out[SCALE_AT] = out[SCALE_AT + 1] = 0;
}

static const char *special_text(unsigned sign) {
  return sign == SIGN_NAN              ? "NaN"
         : sign == SIGN_INFINITY       ? "Infinity"
         : sign == SIGN_MINUS_INFINITY ? "-Infinity"
                                       : NULL;
}

// A whole number below 2^53 over a power of ten up to 10^22 is rounded once, and so correctly.
static double magnitude(const char *bytes, int groups, int weight) {
  static const double powers[] = {1, 1e4, 1e8, 1e12, 1e16, 1e20};
  double number = 0;
  for (int i = 0; i < groups && i < 8; i++)
    number = number * 10000 + word(bytes + NUMERIC_HEADER, i);
  int exponent = weight - (groups < 8 ? groups : 8) + 1;
  if (exponent <= 0 && exponent >= -5)
    return number / powers[-exponent];
  return exponent > 0 && exponent <= 5 ? number * powers[exponent] : number * pow(1e4, exponent);
}

double numeric_double(const char *bytes) {
  unsigned sign = word(bytes, 2);
  if (sign == SIGN_NAN)
    return (double)NAN;
  if (special_text(sign))
    return sign == SIGN_INFINITY ? HUGE_VAL : -HUGE_VAL;
  double value = magnitude(bytes, (int)word(bytes, 0), (int16_t)word(bytes, 1));
  return sign == SIGN_MINUS ? -value : value;
}

// The group that is worth 10000^place.
static unsigned group_at(const char *bytes, int place) {
  int i = (int16_t)word(bytes, 1) - place;
  return i >= 0 && i < (int)word(bytes, 0) ? word(bytes + NUMERIC_HEADER, i) : 0;
}

static void put_group(Buffer *out, unsigned group, bool padded) {
  char digits[8];
  int len = snprintf(digits, sizeof digits, padded ? "%04u" : "%u", group % 10000);
  buffer_put(out, digits, (size_t)len);
}

void numeric_text(const char *bytes, Buffer *out) {
  unsigned sign = word(bytes, 2);
  const char *special = special_text(sign);
  if (special) {
    buffer_put(out, special, strlen(special));
    return;
  }
  if (sign == SIGN_MINUS)
    buffer_put_u8(out, '-');
  int weight = (int16_t)word(bytes, 1), groups = (int)word(bytes, 0);
  int first = groups > 0 && weight > 0 ? weight : 0;
  for (int place = first; place >= 0; place--)
    put_group(out, group_at(bytes, place), place < first);
  if (groups == 0 || weight - groups + 1 >= 0)
    return;
  buffer_put_u8(out, '.');
  for (int place = -1; place >= weight - groups + 1; place--)
    put_group(out, group_at(bytes, place), true);
  while (out->data && out->data[out->len - 1] == '0')
    out->len--;
}
