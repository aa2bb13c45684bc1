// Writes text that may come from others.
#include "escaped.h"

#include <stdint.h>
#include <string.h>

// Length of the UTF-8 sequence at `text`, its code point in *code; 0: not UTF-8 (RFC 3629).
static size_t decode(const unsigned char *text, uint32_t *code) {
  unsigned char first = text[0];
  size_t length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (length == 0 || first > 0xf4)
    return 0;
  *code = length == 1 ? first : first & (0xffu >> (length + 1));
  for (size_t i = 1; i < length; i++) {
    if ((text[i] & 0xc0) != 0x80)
      return 0;
    *code = *code << 6 | (text[i] & 0x3fu);
  }
  bool overlong = (length == 3 && *code < 0x800) || (length == 4 && *code < 0x10000);
  bool surrogate = *code >= 0xd800 && *code <= 0xdfff;
  return overlong || surrogate || *code > 0x10ffff ? 0 : length;
}

static bool within(uint32_t code, uint32_t first, uint32_t last) {
  return code >= first && code <= last;
}

static bool is_order(uint32_t code) {
  return code < 0x20 || within(code, 0x7f, 0x9f);
}

static bool turns_text(uint32_t code) {
  return code == 0x61c || within(code, 0x200e, 0x200f) || within(code, 0x2028, 0x202e) ||
         within(code, 0x2066, 0x2069);
}

static void put_escape(FILE *file, uint32_t code) {
  static const char letters[] = {['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
  if (code < sizeof letters && letters[code])
    fprintf(file, "\\%c", letters[code]);
  else
    fprintf(file, code < 0x80 ? "\\x%02x" : "\\u{%x}", (unsigned)code);
}

void escaped_write(FILE *file, const char *text, bool lines) {
  const unsigned char *at = (const unsigned char *)text;
  while (*at) {
    uint32_t code = 0;
    size_t length = decode(at, &code);
    bool kept = length > 0 && ((lines && (code == '\n' || code == '\t')) ||
                               (!is_order(code) && !turns_text(code)));
    if (kept)
      fwrite(at, 1, length, file);
    else if (length == 0)
      fprintf(file, "\\x%02x", *at);
    else
      put_escape(file, code);
    at += length ? length : 1;
  }
}

static void put_json_escape(FILE *file, uint32_t code) {
  if (code == '"' || code == '\\')
    fprintf(file, "\\%c", (int)code);
  else if (code == '\n')
    fputs("\\n", file);
  else
    fprintf(file, "\\u%04x", (unsigned)code); // none of those is beyond the first plane
}

void escaped_write_json(FILE *file, const char *text) {
  fputc('"', file);
  for (const unsigned char *at = (const unsigned char *)text; *at;) {
    uint32_t code = 0xfffd;
    size_t length = decode(at, &code);
    if (length == 0 || code == '"' || code == '\\' || is_order(code) || turns_text(code))
      put_json_escape(file, length ? code : 0xfffd);
    else
      fwrite(at, 1, length, file);
    at += length ? length : 1;
  }
  fputc('"', file);
}
