// See transcode.h. UTF-16: The Unicode Standard, 3.9 D91; the three bytes of a lone surrogate are
// those of WTF-8 (Simon Sapin).
#include "csv/transcode.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
  CARRY = 32,      // bytes of a character, or of a shift sequence, that is not complete
  ODD_BYTE = 0xf8, // lead of the two bytes that stand for a byte without its other half
  INVALID = 0xff,
  SURROGATE = 0xd800,
  LOW_SURROGATE = 0xdc00,
  BEHIND_SURROGATES = 0xe000,
  UTF8_GROWTH = 3, // bytes of UTF-8 that one byte of another encoding can become, and to spare
};

struct Transcoder {
  EncodingKind kind;
  size_t unit; // bytes skipped where iconv finds no character
  iconv_t converter;
  char carry[CARRY];
  size_t carried;
};

Transcoder *transcoder_new(const TextOptions *options) {
  Transcoder *transcoder = calloc(1, sizeof *transcoder);
  if (!transcoder)
    return NULL;
  transcoder->kind = options->kind;
  transcoder->unit = strncasecmp(options->encoding, "utf-32", 6) == 0 ||
                             strncasecmp(options->encoding, "ucs-4", 5) == 0
                         ? 4
                         : 1;
  transcoder->converter = (iconv_t)-1;
  if (options->kind != ENCODING_STREAM)
    return transcoder;
  transcoder->converter = iconv_open("UTF-8", options->encoding);
  if (transcoder->converter != (iconv_t)-1)
    return transcoder;
  free(transcoder);
  return NULL;
}

void transcoder_free(Transcoder *transcoder) {
  if (transcoder && transcoder->converter != (iconv_t)-1)
    iconv_close(transcoder->converter);
  free(transcoder);
}

// UTF-16

static unsigned unit_at(EncodingKind kind, const char *at) {
  unsigned char first = (unsigned char)at[0], second = (unsigned char)at[1];
  return kind == ENCODING_UTF16LE ? (unsigned)(first | second << 8)
                                  : (unsigned)(first << 8 | second);
}

static char *put_character(char *to, unsigned character) {
  if (character < 0x80) {
    *to++ = (char)character;
  } else if (character < 0x800) {
    *to++ = (char)(0xc0 | character >> 6);
    *to++ = (char)(0x80 | (character & 0x3f));
  } else if (character < 0x10000) {
    *to++ = (char)(0xe0 | character >> 12);
    *to++ = (char)(0x80 | (character >> 6 & 0x3f));
    *to++ = (char)(0x80 | (character & 0x3f));
  } else {
    *to++ = (char)(0xf0 | character >> 18);
    *to++ = (char)(0x80 | (character >> 12 & 0x3f));
    *to++ = (char)(0x80 | (character >> 6 & 0x3f));
    *to++ = (char)(0x80 | (character & 0x3f));
  }
  return to;
}

static bool is_high(unsigned unit) {
  return unit >= SURROGATE && unit < LOW_SURROGATE;
}

static bool is_low(unsigned unit) {
  return unit >= LOW_SURROGATE && unit < BEHIND_SURROGATES;
}

// Converts whole characters of bytes[0, len), all of them when `final`. Returns the bytes used.
static size_t utf16_put(EncodingKind kind, const char *bytes, size_t len, bool final, Buffer *out) {
  if (!buffer_reserve(out, len / 2 * UTF8_GROWTH + 2))
    return len;
  char *to = out->data + out->len;
  size_t at = 0;
  while (len - at >= 2) {
    unsigned unit = unit_at(kind, bytes + at);
    if (is_high(unit)) {
      if (len - at < 4 && !final)
        break;
      unsigned next = len - at < 4 ? 0 : unit_at(kind, bytes + at + 2);
      if (is_low(next)) {
        unit = 0x10000 + ((unit - SURROGATE) << 10 | (next - LOW_SURROGATE));
        at += 2;
      }
    }
    to = put_character(to, unit);
    at += 2;
  }
  if (final && at < len) {
    unsigned char odd = (unsigned char)bytes[at++];
    *to++ = (char)(ODD_BYTE | odd >> 6);
    *to++ = (char)(0x80 | (odd & 0x3f));
  }
  out->len = (size_t)(to - out->data);
  return at;
}

// Any other encoding

static void pass_over(Transcoder *transcoder, char **in, size_t *left, Buffer *out) {
  size_t unit = *left < transcoder->unit ? *left : transcoder->unit;
  buffer_put_u8(out, INVALID);
  *in += unit;
  *left -= unit;
}

static size_t iconv_put(Transcoder *transcoder, const char *bytes, size_t len, bool final,
                        Buffer *out) {
  char *in = (char *)(uintptr_t)bytes;
  size_t left = len;
  while (left > 0 && buffer_reserve(out, left * UTF8_GROWTH + CARRY)) {
    char *to = out->data + out->len;
    size_t room = out->cap - out->len;
    size_t result = iconv(transcoder->converter, &in, &left, &to, &room);
    int problem = result == (size_t)-1 ? errno : 0;
    out->len = (size_t)(to - out->data);
    if (problem == E2BIG)
      continue;
    if (problem == EINVAL && !final && left < CARRY)
      break;
    if (problem)
      pass_over(transcoder, &in, &left, out);
  }
  if (final && buffer_reserve(out, CARRY)) {
    char *to = out->data + out->len;
    size_t room = out->cap - out->len;
    iconv(transcoder->converter, NULL, NULL, &to, &room);
    out->len = (size_t)(to - out->data);
  }
  return len - left;
}

// Both

static size_t put(Transcoder *transcoder, const char *bytes, size_t len, bool final, Buffer *out) {
  if (transcoder->kind == ENCODING_STREAM)
    return iconv_put(transcoder, bytes, len, final, out);
  return utf16_put(transcoder->kind, bytes, len, final, out);
}

// Completes the character that the last bytes began, byte by byte.
static size_t put_carried(Transcoder *transcoder, const char *bytes, size_t len, bool final,
                          Buffer *out) {
  size_t taken = 0;
  while (transcoder->carried > 0 && (taken < len || final)) {
    if (taken < len)
      transcoder->carry[transcoder->carried++] = bytes[taken++];
    bool last = final && taken == len;
    size_t used = put(transcoder, transcoder->carry, transcoder->carried, last, out);
    transcoder->carried -= used;
    memmove(transcoder->carry, transcoder->carry + used, transcoder->carried);
  }
  return taken;
}

bool transcoder_put(Transcoder *transcoder, const char *bytes, size_t len, bool final,
                    Buffer *out) {
  bool carried = transcoder->carried > 0;
  size_t at = put_carried(transcoder, bytes, len, final, out);
  if (at < len || (final && !carried))
    at += put(transcoder, bytes + at, len - at, final, out);
  if (at < len) {
    transcoder->carried = len - at;
    memcpy(transcoder->carry, bytes + at, len - at);
  }
  return !out->failed;
}

// Back

static size_t lead_length(unsigned char lead) {
  if (lead >= ODD_BYTE || (lead >= 0xc0 && lead < 0xe0))
    return 2;
  return lead < 0x80 ? 1 : lead < 0xf0 ? 3 : 4;
}

// Every byte that is not a continuation stands for two, the lead of four bytes for four, and the
// mark of an odd byte for one.
static uint64_t utf16_length(const char *bytes, size_t len) {
  uint64_t length = 0;
  for (size_t i = 0; i < len; i++) {
    unsigned char byte = (unsigned char)bytes[i];
    length += (byte & 0xc0) == 0x80 ? 0 : byte >= ODD_BYTE ? 1 : byte >= 0xf0 ? 4 : 2;
  }
  return length;
}

static unsigned character_at(const unsigned char *at, size_t length) {
  unsigned character = length == 1 ? at[0] : at[0] & (0xffu >> (length + 1));
  for (size_t i = 1; i < length; i++)
    character = character << 6 | (at[i] & 0x3f);
  return character;
}

static void put_unit(EncodingKind kind, unsigned unit, Buffer *out) {
  uint8_t high = (uint8_t)(unit >> 8), low = (uint8_t)unit;
  buffer_put_u8(out, kind == ENCODING_UTF16LE ? low : high);
  buffer_put_u8(out, kind == ENCODING_UTF16LE ? high : low);
}

void transcode_to_utf16(EncodingKind kind, const char *bytes, size_t len, Buffer *out) {
  const unsigned char *at = (const unsigned char *)bytes, *end = at + len;
  while (at < end) {
    size_t length = lead_length(*at);
    if (length > (size_t)(end - at))
      return;
    if (*at >= ODD_BYTE) {
      buffer_put_u8(out, (uint8_t)((at[0] & 3) << 6 | (at[1] & 0x3f)));
    } else {
      unsigned character = character_at(at, length);
      if (character >= 0x10000) {
        put_unit(kind, SURROGATE + ((character - 0x10000) >> 10), out);
        character = LOW_SURROGATE + ((character - 0x10000) & 0x3ff);
      }
      put_unit(kind, character, out);
    }
    at += length;
  }
}

uint64_t transcode_length_in_file(EncodingKind kind, const char *bytes, size_t len) {
  bool utf16 = kind == ENCODING_UTF16LE || kind == ENCODING_UTF16BE;
  return utf16 ? utf16_length(bytes, len) : len;
}
