// See encoding.h. The kind of an encoding is determined by asking iconv, byte by byte: there are
// many names, and a table of supersets of ASCII would be wrong for some.
#include "csv/encoding.h"

#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "csv/scan.h"

enum { BYTES = 256, LAST_ASCII = 0x7f };

// What iconv makes of a few bytes by themselves.
typedef enum Answer {
  ANSWER_TEXT, // whole characters
  ANSWER_MORE, // the start of one
  ANSWER_NONE, // no text
} Answer;

static Answer ask(iconv_t converter, const char *bytes, size_t len, char *out, size_t *size) {
  char *in = (char *)(uintptr_t)bytes, *to = out;
  size_t room = *size;
  iconv(converter, NULL, NULL, NULL, NULL);
  if (iconv(converter, &in, &len, &to, &room) == (size_t)-1)
    return errno == EINVAL ? ANSWER_MORE : ANSWER_NONE;
  iconv(converter, NULL, NULL, &to, &room);
  *size -= room;
  return ANSWER_TEXT;
}

static bool means_itself(iconv_t converter, char byte) {
  char out[16];
  size_t size = sizeof out;
  return ask(converter, &byte, 1, out, &size) == ANSWER_TEXT && size == 1 && *out == byte;
}

// What may differ from ASCII without harm to CSV: the national characters of Japan and Korea, and
// control characters.
static bool may_differ(char byte) {
  bool control = (byte > 0 && byte < ' ' && byte != '\t' && byte != '\n' && byte != '\r');
  return control || byte == '\\' || byte == '~' || byte == LAST_ASCII;
}

// Whether text can be tokenised before it is converted: one byte below 0x80, one character.
static bool is_ascii_with_more(iconv_t converter, bool *exact) {
  *exact = true;
  for (int byte = 1; byte <= LAST_ASCII; byte++) {
    char out[16], in = (char)byte;
    size_t size = sizeof out;
    if (means_itself(converter, in))
      continue;
    *exact = false;
    if (!may_differ(in) || ask(converter, &in, 1, out, &size) != ANSWER_TEXT)
      return false;
  }
  return true;
}

// Whether `byte` can be part of a longer character after prefix[0, len).
static bool can_continue(iconv_t converter, char *prefix, size_t len, char byte) {
  char out[32], alone[32];
  size_t size = sizeof out, alone_size = sizeof alone;
  prefix[len] = byte;
  switch (ask(converter, prefix, len + 1, out, &size)) {
  case ANSWER_MORE:
    return true;
  case ANSWER_NONE:
    return false;
  case ANSWER_TEXT:
    break;
  }
  return ask(converter, prefix, len, alone, &alone_size) != ANSWER_TEXT;
}

static bool clashes(iconv_t converter, char byte) {
  char prefix[4];
  for (int lead = LAST_ASCII + 1; lead < BYTES; lead++) {
    char out[32];
    size_t size = sizeof out;
    prefix[0] = (char)lead;
    if (ask(converter, prefix, 1, out, &size) != ANSWER_MORE)
      continue;
    if (can_continue(converter, prefix, 1, byte))
      return true;
    for (int second = LAST_ASCII + 1; second < BYTES; second++) {
      prefix[1] = (char)second;
      size = sizeof out;
      if (ask(converter, prefix, 2, out, &size) == ANSWER_MORE &&
          can_continue(converter, prefix, 2, byte))
        return true;
    }
  }
  return false;
}

static bool check_special(const TextOptions *options, iconv_t converter, const char *special,
                          size_t count, Error *error) {
  for (size_t i = 0; i < count; i++) {
    if (clashes(converter, special[i]))
      return error_set(error, "encoding",
                       "'%c' may be a part of a character in %s, and cannot be a delimiter or a "
                       "quote there: convert the file to UTF-8 first",
                       special[i], options->encoding);
  }
  return true;
}

static bool is_one_of(const char *name, const char *const *names) {
  for (; *names; names++)
    if (strcasecmp(name, *names) == 0)
      return true;
  return false;
}

static bool is_known_kind(TextOptions *options) {
  static const char *const utf8[] = {"utf-8", "utf8", NULL};
  static const char *const little[] = {"utf-16le", "utf16le", "ucs-2le", NULL};
  static const char *const big[] = {"utf-16be", "utf16be", "ucs-2be", NULL};
  options->exact_ascii = true;
  if (is_one_of(options->encoding, utf8))
    options->kind = ENCODING_UTF8;
  else if (is_one_of(options->encoding, little))
    options->kind = ENCODING_UTF16LE;
  else if (is_one_of(options->encoding, big))
    options->kind = ENCODING_UTF16BE;
  else
    return false;
  return true;
}

// A name with a slash would be an option of iconv's.
static iconv_t open_known(const char *name) {
  return *name && !strchr(name, '/') ? iconv_open("UTF-8", name) : (iconv_t)-1;
}

static bool is_known(const char *name) {
  iconv_t converter = open_known(name);
  if (converter == (iconv_t)-1)
    return false;
  iconv_close(converter);
  return true;
}

// A name in lower case, without the separators other programs put between its parts.
static void pack_name(const char *name, char packed[ENCODING_NAME]) {
  size_t len = 0;
  for (; *name && len + 1 < ENCODING_NAME; name++)
    if (*name != '-' && *name != '_' && *name != ' ')
      packed[len++] = *name >= 'A' && *name <= 'Z' ? (char)(*name + 'a' - 'A') : *name;
  packed[len] = 0;
}

void encoding_common_name(char name[ENCODING_NAME]) {
  static const char *const others[][2] = {
      {"utf8sig", "utf8"}, {"macroman", "macintosh"}, {"shiftjis", "sjis"}};
  char packed[ENCODING_NAME], common[ENCODING_NAME];
  if (is_known(name))
    return;
  pack_name(name, packed);
  snprintf(common, sizeof common, "%s", packed);
  size_t windows = strncmp(packed, "windows", 7) == 0 ? 7 : strncmp(packed, "win", 3) == 0 ? 3 : 0;
  if (windows > 0)
    snprintf(common, sizeof common, "cp%.30s", packed + windows);
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (strcmp(packed, others[i][0]) == 0)
      snprintf(common, sizeof common, "%s", others[i][1]);
  if (is_known(common))
    memcpy(name, common, sizeof common);
}

bool encoding_resolve(TextOptions *options, const char *special, size_t count, Error *error) {
  static const char *const without_order[] = {"utf-16", "utf16", "ucs-2", NULL};
  encoding_common_name(options->encoding);
  if (is_known_kind(options))
    return true;
  if (is_one_of(options->encoding, without_order))
    return error_set(error, "encoding",
                     "no byte order mark: give encoding = 'utf-16le' or 'utf-16be'");
  iconv_t converter = open_known(options->encoding);
  if (converter == (iconv_t)-1)
    return error_set(error, "usage", "unknown encoding '%s': 'iconv -l' lists them",
                     options->encoding);
  bool fields = is_ascii_with_more(converter, &options->exact_ascii);
  options->kind = fields ? ENCODING_FIELDS : ENCODING_STREAM;
  bool ok = !fields || check_special(options, converter, special, count, error);
  iconv_close(converter);
  return ok;
}

bool encoding_takes_fallback(const char *name) {
  TextOptions options = {0};
  Error error;
  snprintf(options.encoding, sizeof options.encoding, "%s", name);
  if (encoding_resolve(&options, NULL, 0, &error))
    return options.kind == ENCODING_UTF8 || options.kind == ENCODING_FIELDS;
  return strcmp(error.code, "encoding") != 0; // UTF-16 without a byte order
}

size_t encoding_of_mark(const char *bytes, size_t len, const char **name) {
  static const struct {
    char mark[6];
    size_t len;
    const char *name;
  } marks[] = {
      {{'\xef', '\xbb', '\xbf', 0}, 3, "utf-8"}, {{'\xff', '\xfe', 0, 0}, 4, "utf-32le"},
      {{0, 0, '\xfe', '\xff'}, 4, "utf-32be"},   {{'\xff', '\xfe', 0, 0}, 2, "utf-16le"},
      {{'\xfe', '\xff', 0, 0}, 2, "utf-16be"},   {{'\x84', '\x31', '\x95', '\x33'}, 4, "gb18030"},
      {{'+', '/', 'v', '8', '-'}, 5, "utf-7"},
  };
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
    if (len >= marks[i].len && memcmp(bytes, marks[i].mark, marks[i].len) == 0) {
      *name = marks[i].name;
      return marks[i].len;
    }
  }
  return 0;
}
