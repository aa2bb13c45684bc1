// See utf7.h.
#include "csv/utf7.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { SIXTY_FOURTH = 6, UNIT = 16 };

// -1: not a digit of base64.
static int digit_of(char c) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const char *at = c ? strchr(digits, c) : NULL;
  return at ? (int)(at - digits) : -1;
}

// Latin, Greek, Cyrillic, Hebrew, Arabic; signs; kana and the usual ideographs. Not Hangul and
// private use, which is what digits and most words make by accident.
static bool is_usual(uint32_t unit) {
  return (unit >= 0xa0 && unit < 0x0700) || (unit >= 0x1e00 && unit < 0x2300) ||
         (unit >= 0x3000 && unit < 0x3100) || (unit >= 0x4e00 && unit < 0xa000);
}

// Reads the digits of a run; *beyond is how many units are beyond ASCII. Returns the end, or NULL
// if they are not units, or unusual ones.
static const char *read_run(const char *at, const char *end, size_t *beyond) {
  uint32_t bits = 0, count = 0;
  const char *start = at;
  int digit;
  for (; at < end && (digit = digit_of(*at)) >= 0; at++) {
    bits = bits << SIXTY_FOURTH | (uint32_t)digit;
    count += SIXTY_FOURTH;
    if (count < UNIT)
      continue;
    count -= UNIT;
    uint32_t unit = bits >> count & 0xffff;
    if (!is_usual(unit) && unit >= 0x80)
      return NULL;
    *beyond += unit >= 0x80;
  }
  bool padded = count < SIXTY_FOURTH && (bits & ((1u << count) - 1)) == 0;
  return at > start + 2 && padded ? at : NULL; // three digits hold a unit
}

// "a+b+c" and "salt+pepper" are runs by accident now and then; encoded text has capitals.
static bool is_telling(const char *at, const char *end) {
  bool capital = false;
  for (; at < end; at++) {
    if (*at == '+')
      return false;
    capital |= *at >= 'A' && *at <= 'Z';
  }
  return capital;
}

void utf7_count(const char *bytes, size_t len, size_t *runs, size_t *others) {
  const char *at = bytes, *end = bytes + len;
  *runs = *others = 0;
  while (len > 0 && (at = memchr(at, '+', (size_t)(end - at)))) {
    size_t beyond = 0;
    const char *after = read_run(++at, end, &beyond);
    bool plus = at < end && *at == '-';
    *runs += after && beyond > 0 && is_telling(at, after);
    *others += !after && !plus;
    at = after ? after : at;
    if (at >= end)
      return;
  }
}
