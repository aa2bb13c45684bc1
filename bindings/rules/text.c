// UTF-8 text: counting, case, and lines for people.
#define _GNU_SOURCE // towlower_l, towupper_l
#include "rules/text.h"

#include <locale.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <wctype.h>

enum { QUOTED_CHARACTERS = 60, ESCAPE_SIZE = 16 };

static bool is_continuation(char c) {
  return ((unsigned char)c & 0xC0) == 0x80;
}

size_t text_characters(const char *text, size_t len) {
  size_t count = 0;
  for (size_t i = 0; i < len; i++)
    count += !is_continuation(text[i]);
  return count;
}

// Well-formed sequences as in table 3-7 of the Unicode standard.
static size_t sequence_length(const unsigned char *p, size_t len) {
  size_t need = p[0] < 0x80 ? 1 : p[0] < 0xC2 ? 0 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
  if (need == 0 || p[0] > 0xF4 || need > len)
    return 0;
  for (size_t i = 1; i < need; i++)
    if ((p[i] & 0xC0) != 0x80)
      return 0;
  bool overlong = (p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xF0 && p[1] < 0x90);
  bool outside = (p[0] == 0xED && p[1] > 0x9F) || (p[0] == 0xF4 && p[1] > 0x8F);
  return overlong || outside ? 0 : need;
}

// Reads one code point at `text` (len > 0) and returns its bytes, 1 to 4. For a byte that does not
// begin a valid sequence: 1, and *code is -1.
static size_t text_decode(const char *text, size_t len, int32_t *code) {
  static const unsigned char lead_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
  const unsigned char *p = (const unsigned char *)text;
  size_t need = sequence_length(p, len);
  if (need == 0) {
    *code = -1;
    return 1;
  }
  *code = p[0] & lead_bits[need];
  for (size_t i = 1; i < need; i++)
    *code = (*code << 6) | (p[i] & 0x3F);
  return need;
}

bool text_storable(const char *text, size_t len) {
  for (size_t i = 0; i < len;) {
    int32_t code;
    i += text_decode(text + i, len - i, &code);
    if (code <= 0)
      return false;
  }
  return true;
}

static size_t encode(int32_t code, char *out) {
  if (code < 0x80) {
    out[0] = (char)code;
    return 1;
  }
  size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
  for (size_t i = len - 1; i > 0; i--) {
    out[i] = (char)(0x80 | (code & 0x3F));
    code >>= 6;
  }
  out[0] = (char)(lead[len] | code);
  return len;
}

bool text_may_change_case(const char *text, size_t len, bool upper) {
  unsigned char from = upper ? 'a' : 'A';
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c >= 0x80 || (unsigned char)(c - from) < 26)
      return true;
  }
  return false;
}

static locale_t case_locale; // 0: none, only ASCII changes

static void open_case_locale(void) {
  case_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

static int32_t change_case(int32_t code, bool upper) {
  if (code < 0x80) {
    unsigned char from = upper ? 'a' : 'A';
    return (unsigned char)((unsigned char)code - from) < 26 ? code ^ 0x20 : code;
  }
  if (!case_locale)
    return code;
  wint_t wide = (wint_t)code;
  return (int32_t)(upper ? towupper_l(wide, case_locale) : towlower_l(wide, case_locale));
}

size_t text_change_case(const char *text, size_t len, bool upper, char *out) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, open_case_locale);
  size_t used = 0;
  for (size_t i = 0; i < len;) {
    int32_t code;
    size_t bytes = text_decode(text + i, len - i, &code);
    if (code < 0)
      out[used++] = text[i];
    else
      used += encode(change_case(code, upper), out + used);
    i += bytes;
  }
  return used;
}

Line line_start(char *out, size_t size) {
  if (size > 0)
    out[0] = 0;
  return (Line){.out = out, .size = size};
}

void line_put(Line *line, const char *format, ...) {
  if (line->size - line->len <= 1)
    return;
  va_list args;
  va_start(args, format);
  int wanted = vsnprintf(line->out + line->len, line->size - line->len, format, args);
  va_end(args);
  if (wanted <= 0)
    return;
  size_t room = line->size - line->len - 1;
  if ((size_t)wanted <= room) {
    line->len += (size_t)wanted;
    return;
  }
  line->len = line->size - 1; // full: drop a character that was cut in the middle
  while (line->len > 0 && is_continuation(line->out[line->len - 1]))
    line->len--;
  if (line->len > 0 && (line->out[line->len - 1] & 0x80))
    line->len--;
  line->out[line->len] = 0;
  line->size = line->len + 1; // nothing more fits
}

// Appends a whole piece, or nothing; after that nothing more is appended.
static bool put_piece(Line *line, const char *piece, size_t len) {
  if (line->size - line->len <= len) {
    line->size = line->len + 1; // nothing more fits
    return false;
  }
  memcpy(line->out + line->len, piece, len);
  line->len += len;
  line->out[line->len] = 0;
  return true;
}

static size_t escape(int32_t code, unsigned char byte, char *out) {
  if (code == '\n' || code == '\r' || code == '\t')
    return (size_t)snprintf(out, ESCAPE_SIZE, "\\%c",
                            code == '\n'   ? 'n'
                            : code == '\r' ? 'r'
                                           : 't');
  if (code < 0x20 || code == 0x7F)
    return (size_t)snprintf(out, ESCAPE_SIZE, "\\x%02x", byte);
  if (code >= 0x80 && code < 0xA0)
    return (size_t)snprintf(out, ESCAPE_SIZE, "\\u%04x", (unsigned)code);
  return 0;
}

void line_put_escaped(Line *line, const char *text, size_t len, size_t characters) {
  for (size_t i = 0; i < len;) {
    if (characters-- == 0) {
      put_piece(line, "...", 3);
      return;
    }
    int32_t code;
    size_t bytes = text_decode(text + i, len - i, &code);
    char escaped[ESCAPE_SIZE];
    size_t escaped_len = escape(code, (unsigned char)text[i], escaped);
    if (!put_piece(line, escaped_len ? escaped : text + i, escaped_len ? escaped_len : bytes))
      return;
    i += bytes;
  }
}

void line_put_quoted(Line *line, const char *text, size_t len) {
  put_piece(line, "'", 1);
  line_put_escaped(line, text, len, QUOTED_CHARACTERS);
  put_piece(line, "'", 1);
}
