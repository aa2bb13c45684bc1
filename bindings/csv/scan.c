// See scan.h. The inner loops have no exit and work on bytes, so that gcc and clang vectorise them.
#include "csv/scan.h"

#include <stdint.h>
#include <string.h>

enum { COUNT_BLOCK = 240 }; // occurrences that fit into a byte lane, rounded down to 16

size_t scan_count(const char *bytes, size_t len, char byte) {
  size_t count = 0;
  while (len > 0) {
    size_t block = len < COUNT_BLOCK ? len : COUNT_BLOCK;
    uint8_t hits = 0;
    for (size_t i = 0; i < block; i++)
      hits = (uint8_t)(hits + (bytes[i] == byte));
    count += hits;
    bytes += block;
    len -= block;
  }
  return count;
}

bool scan_is_plain_ascii(const char *bytes, size_t len) {
  uint8_t found = 0;
  for (size_t i = 0; i < len; i++) {
    uint8_t byte = (uint8_t)bytes[i];
    found |= (uint8_t)(byte | (uint8_t)(byte - 1)); // bit 7: of a byte from 0x80, or NUL's 0xff
  }
  return (found & 0x80) == 0;
}

// Length of the UTF-8 sequence at the start of p[0, left), 0 when there is no valid one. The table
// is 3-7 of the Unicode standard, "Well-Formed UTF-8 Byte Sequences"; PostgreSQL's
// pg_utf8_islegal() accepts the same.
static size_t sequence_length(const uint8_t *p, size_t left) {
  uint8_t lead = p[0];
  if (lead < 0x80)
    return 1;
  if (lead < 0xc2 || lead > 0xf4)
    return 0;
  size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (left < length)
    return 0;
  uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (p[1] < low || p[1] > high)
    return 0;
  for (size_t i = 2; i < length; i++) {
    if ((p[i] & 0xc0) != 0x80)
      return 0;
  }
  return length;
}

static bool is_ascii8(const uint8_t *p) {
  uint64_t word;
  memcpy(&word, p, sizeof word);
  return (word & UINT64_C(0x8080808080808080)) == 0;
}

size_t scan_utf8_length(const char *bytes, size_t len) {
  const uint8_t *p = (const uint8_t *)bytes;
  size_t at = 0;
  while (at < len) {
    if (len - at >= 8 && is_ascii8(p + at)) {
      at += 8;
      continue;
    }
    size_t length = sequence_length(p + at, len - at);
    if (length == 0)
      return at;
    at += length;
  }
  return len;
}

bool scan_is_utf8(const char *bytes, size_t len) {
  return scan_utf8_length(bytes, len) == len;
}
