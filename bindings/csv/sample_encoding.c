// The encoding of a file's bytes.
#define _GNU_SOURCE // memmem
#include "csv/sample_encoding.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "csv/encoding.h"
#include "csv/legacy.h"
#include "csv/utf7.h"

enum {
  MOSTLY = 4, // continuation bytes of valid UTF-8 to a place that is not: the place is a fault
  MIXED = 8,  // the same the other way round: text in two encodings
  FEW = 20,   // bytes beyond ASCII, which could be of many encodings
  VERY_FEW = 12,
  FEW_WIDE = 24, // of which a wide character has two
  CLEAR = 2,     // margins of the language over other encodings
  USUAL = 6,     // how strange letters are on average, as a natural logarithm
  STRANGE = 7,
  SURE_RUNS = 3,    // of UTF-7
  MOST_STRANGE = 9, // beyond it is not text in any language that is known
};

// Length of the UTF-8 character at `at`, 0 when it is none. Table 3-7 of the Unicode standard.
static size_t character(const unsigned char *at, size_t left) {
  unsigned char c = at[0];
  if (c < 0x80)
    return 1;
  size_t len = c >= 0xc2 && c <= 0xdf   ? 2
               : c >= 0xe0 && c <= 0xef ? 3
               : c >= 0xf0 && c <= 0xf4 ? 4
                                        : 0;
  if (len == 0 || left < len)
    return 0;
  unsigned char low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
  unsigned char high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
  if (at[1] < low || at[1] > high)
    return 0;
  for (size_t i = 2; i < len; i++)
    if ((at[i] & 0xc0) != 0x80)
      return 0;
  return len;
}

size_t sample_utf8_valid(const char *bytes, size_t len) {
  size_t at = 0;
  while (at < len) {
#ifdef __SSE2__
    while (len - at >= 16 &&
           !_mm_movemask_epi8(_mm_loadu_si128((const __m128i *)(const void *)(bytes + at))))
      at += 16;
    if (at == len)
      break;
#endif
    size_t step = character((const unsigned char *)bytes + at, len - at);
    if (step == 0)
      return at;
    at += step;
  }
  return len;
}

static void set_name(SampleEncoding *encoding, const char *name) {
  size_t i = 0;
  for (; name[i] && i + 1 < sizeof encoding->name; i++)
    encoding->name[i] = (char)tolower((unsigned char)name[i]);
  encoding->name[i] = 0;
}

static bool by_mark(const char *bytes, size_t len, SampleEncoding *encoding) {
  const char *name;
  encoding->mark = encoding_of_mark(bytes, len, &name);
  if (encoding->mark == 0)
    return false;
  set_name(encoding, name);
  encoding->how = "mark";
  encoding->confidence = 1;
  return true;
}

// Text in UTF-32 has a zero in three of four places, and the fourth is one of two.
static bool by_three_zeros(const char *bytes, size_t len, SampleEncoding *encoding) {
  size_t zeros[4] = {0, 0, 0, 0};
  for (size_t i = 0; i < len; i++)
    zeros[i % 4] += bytes[i] == 0;
  bool little = zeros[3] * 4 >= len - 3 && zeros[2] * 5 > len && zeros[1] * 5 > len;
  bool big = zeros[0] * 4 >= len && zeros[1] * 5 > len && zeros[2] * 5 > len;
  if (len < 8 || little == big || zeros[little ? 0 : 3] * 20 > len)
    return false;
  set_name(encoding, little ? "utf-32le" : "utf-32be");
  encoding->how = "zeros";
  encoding->confidence = 0.95;
  return true;
}

// Latin text in UTF-16 has a zero in nearly every second place.
static bool by_zeros(const char *bytes, size_t len, SampleEncoding *encoding) {
  size_t zeros[2] = {0, 0};
  for (size_t i = 0; i < len; i++)
    zeros[i % 2] += bytes[i] == 0;
  for (size_t odd = 0; odd < 2; odd++)
    if (len >= 4 && zeros[odd] * 4 > len && zeros[1 - odd] * 20 < len) {
      set_name(encoding, odd ? "utf-16le" : "utf-16be");
      encoding->how = "zeros";
      encoding->confidence = 0.95;
      return true;
    }
  return false;
}

// What is in UTF-16 and not Latin: zeros at every other place only, and no text has any.
static bool by_sparse_zeros(const char *bytes, size_t len, SampleEncoding *encoding) {
  size_t zeros[2] = {0, 0};
  for (size_t i = 0; i < len; i++)
    zeros[i % 2] += bytes[i] == 0;
  for (size_t odd = 0; odd < 2; odd++)
    if (len >= 16 && zeros[odd] * 50 > len && zeros[1 - odd] == 0) {
      set_name(encoding, odd ? "utf-16le" : "utf-16be");
      encoding->how = "zeros";
      encoding->confidence = 0.85;
      return true;
    }
  return false;
}

// ISO 2022 consists of ASCII bytes, and switches their meaning by escapes.
static bool by_escapes(const char *bytes, size_t len, SampleEncoding *encoding) {
  static const char *const escapes[][2] = {
      {"\x1b$B", "iso-2022-jp"}, {"\x1b$@", "iso-2022-jp"}, {"\x1b$)C", "iso-2022-kr"}};
  if (!memchr(bytes, 0x1b, len))
    return false;
  for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++)
    if (memmem(bytes, len, escapes[i][0], strlen(escapes[i][0]))) {
      set_name(encoding, escapes[i][1]);
      encoding->how = "escapes";
      encoding->confidence = 0.9;
      return true;
    }
  return false;
}

// UTF-7 consists of ASCII bytes: everything beyond ASCII is in runs of base64, "M+APw-ller", and a
// plus is "+-" (RFC 2152). By accident text has hardly one such run, and other pluses beside it.
static bool by_runs(const char *bytes, size_t len, SampleEncoding *encoding) {
  size_t runs = 0, others = 0;
  utf7_count(bytes, len, &runs, &others);
  if (runs == 0 || runs < others)
    return false;
  bool sure = runs >= SURE_RUNS && others == 0;
  set_name(encoding, "utf-7");
  encoding->how = "runs";
  encoding->rival = sure ? "" : "utf-8";
  encoding->confidence = sure ? 0.9 : 0.3;
  return true;
}

// Characters of several bytes that are valid UTF-8, and places that are not.
static void count_utf8(const char *bytes, size_t len, bool whole, size_t *good, size_t *bad) {
  *good = *bad = 0;
  for (size_t at = 0; at < len;) {
    size_t step = character((const unsigned char *)bytes + at, len - at);
    if (step > 1)
      *good += step - 1; // three bytes that fit are less of an accident than two
    if (step == 0 && (whole || len - at >= 4))
      ++*bad;
    at += step ? step : 1;
  }
}

// Text in another encoding is valid UTF-8 by accident here and there, but never mostly.
static bool by_most(const char *bytes, size_t len, bool whole, SampleEncoding *encoding) {
  size_t good, bad;
  count_utf8(bytes, len, whole, &good, &bad);
  if (bad > 0 && good < MOSTLY * bad)
    return false;
  encoding->how = bad > 0 ? "mostly" : "valid";
  encoding->invalid = bad;
  encoding->confidence = bad > 0 ? 0.85 : encoding->non_ascii >= 8 ? 0.99 : 0.95;
  return true;
}

// Text in two encodings: of what is beyond ASCII and stands together, more is valid UTF-8 than can
// be by accident.
static bool is_mixed(const char *bytes, size_t len) {
  size_t good = 0, bad = 0;
  for (size_t at = 0; at < len; at++) {
    size_t start = at;
    while (at < len && (unsigned char)bytes[at] >= 0x80)
      at++;
    if (at > start)
      ++*(sample_utf8_valid(bytes + start, at - start) == at - start ? &good : &bad);
  }
  return good * MIXED > bad;
}

// A few bytes are soon text in some language. Measured on texts of nineteen languages: of those
// that were read wrong nearly all had less than this, of those that were read right one in twenty.
static double least_margin(const LegacyGuess *found, size_t non_ascii) {
  if (found->wide)
    return non_ascii < FEW_WIDE ? CLEAR : 1;
  return non_ascii < VERY_FEW ? (1 + CLEAR) / 2.0 : 1;
}

// A few bytes of something else can look like text of some language, though like strange one.
static bool is_sure(const LegacyGuess *found, size_t non_ascii) {
  double most = non_ascii >= FEW ? MOST_STRANGE : found->margin >= CLEAR ? STRANGE : USUAL;
  return found->margin >= least_margin(found, non_ascii) && found->strangeness <= most;
}

static void by_language(const char *bytes, size_t len, bool whole, SampleEncoding *encoding) {
  LegacyGuess found;
  legacy_guess(bytes, len, whole, &found);
  bool mixed = is_mixed(bytes, len);
  set_name(encoding, found.name ? found.name : "windows-1252");
  encoding->rival = mixed ? "utf-8" : found.rival ? found.rival : "";
  encoding->language = found.language ? found.language : "";
  encoding->margin = found.margin;
  encoding->strangeness = found.strangeness;
  bool sure = !mixed && found.name && is_sure(&found, encoding->non_ascii);
  encoding->how = sure ? "language" : "unsure";
  encoding->confidence = !sure ? 0.3 : found.margin >= 4 ? 0.9 : 0.8;
}

static size_t count_non_ascii(const char *bytes, size_t len) {
  size_t count = 0;
  for (size_t i = 0; i < len; i++)
    count += (unsigned char)bytes[i] >> 7;
  return count;
}

SampleEncoding sample_encoding(const char *bytes, size_t len, bool whole) {
  SampleEncoding encoding = {
      .name = "utf-8", .how = "ascii", .confidence = 0.9, .rival = "", .language = ""};
  encoding.non_ascii = count_non_ascii(bytes, len);
  if (by_mark(bytes, len, &encoding) || by_three_zeros(bytes, len, &encoding) ||
      by_zeros(bytes, len, &encoding) || by_sparse_zeros(bytes, len, &encoding))
    return encoding;
  if (encoding.non_ascii == 0) {
    encoding.confidence = whole ? 1 : 0.95;
    if (!by_escapes(bytes, len, &encoding))
      by_runs(bytes, len, &encoding);
    return encoding;
  }
  if (!by_most(bytes, len, whole, &encoding))
    by_language(bytes, len, whole, &encoding);
  return encoding;
}

SampleEncoding sample_encoding_given(const char *name, const char *bytes, size_t len) {
  SampleEncoding found = {.how = "given", .confidence = 1, .rival = "", .language = ""};
  SampleEncoding marked = {.how = "given"};
  char common[ENCODING_NAME];
  snprintf(common, sizeof common, "%s", name);
  encoding_common_name(common);
  set_name(&found, common);
  found.non_ascii = count_non_ascii(bytes, len);
  if (by_mark(bytes, len, &marked) && strncmp(marked.name, found.name, strlen(found.name)) == 0) {
    found.mark = marked.mark;
    set_name(&found, marked.name);
  }
  return found;
}

bool sample_decoder_open(SampleDecoder *decoder, const SampleEncoding *encoding, Error *error) {
  *decoder = (SampleDecoder){0};
  if (strcmp(encoding->name, "utf-8") == 0)
    return true;
  decoder->handle = iconv_open("UTF-8", encoding->name);
  if (decoder->handle == (iconv_t)-1)
    return error_set(error, "EINVAL", "unknown encoding '%s'", encoding->name);
  decoder->open = true;
  return true;
}

void sample_decoder_close(SampleDecoder *decoder) {
  if (decoder->open)
    iconv_close(decoder->handle);
  *decoder = (SampleDecoder){0};
}

// Decodes what it can; returns the bytes that are left as an incomplete character.
static size_t decode(SampleDecoder *decoder, const char *bytes, size_t len, bool final,
                     Buffer *out) {
  char *from = (char *)(uintptr_t)bytes; // iconv does not write to it
  while (len > 0) {
    if (!buffer_reserve(out, 4 * len + 16))
      return 0;
    char *to = out->data + out->len;
    size_t room = out->cap - out->len;
    size_t result = iconv(decoder->handle, &from, &len, &to, &room);
    out->len = (size_t)(to - out->data);
    if (result != (size_t)-1 || (errno == EINVAL && !final && len < sizeof decoder->left))
      return len;
    if (errno == E2BIG)
      continue;
    buffer_put(out, "\xef\xbf\xbd", 3);
    decoder->invalid++;
    from++;
    len--;
  }
  return 0;
}

void sample_decode(SampleDecoder *decoder, const char *bytes, size_t len, bool final, Buffer *out) {
  if (!decoder->open) {
    buffer_put(out, bytes, len);
    return;
  }
  while (decoder->left_len > 0 && len > 0 && decoder->left_len < sizeof decoder->left) {
    decoder->left[decoder->left_len++] = *bytes++; // byte by byte until the character is complete
    len--;
    decoder->left_len = decode(decoder, decoder->left, decoder->left_len, final && len == 0, out);
  }
  size_t rest = decode(decoder, bytes, len, final, out);
  if (rest > 0) {
    memcpy(decoder->left, bytes + len - rest, rest);
    decoder->left_len = rest;
  } else if (final && decoder->left_len > 0) {
    decode(decoder, decoder->left, decoder->left_len, true, out);
    decoder->left_len = 0;
  }
}
