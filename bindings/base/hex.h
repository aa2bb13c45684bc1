// Hexadecimal digits.
#ifndef PGHOST_BASE_HEX_H
#define PGHOST_BASE_HEX_H

#include <stddef.h>

// The digit's value; -1 if it is not a hexadecimal digit.
static inline int hex_value(char c) {
  if ((unsigned char)(c - '0') < 10)
    return c - '0';
  char lower = (char)(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Writes two digits for each byte, in lower case.
static inline void hex_write(char *out, const void *bytes, size_t len) {
  static const char digits[] = "0123456789abcdef";
  const unsigned char *at = bytes;
  for (size_t i = 0; i < len; i++) {
    out[2 * i] = digits[at[i] >> 4];
    out[2 * i + 1] = digits[at[i] & 15];
  }
}

#endif
