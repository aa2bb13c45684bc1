// The delimiters that a text could be in.
#include "sniff/candidates.h"

#include <ctype.h>

enum { LOOKED_AT_LINES = 100, STRINGS = 256 };

// Most common first. Spaces and colons also occur inside values.
static const SniffDelimiter usual[] = {
    {",", 1},     {";", 1},       {"\t", 1},     {"|", 0.99},   {"||", 0.98},
    {"::", 0.97}, {"~|~", .98},   {"^", 0.97},   {"~", 0.96},   {":", 0.84},
    {" ", 0.84},  {"\x1f", 0.99}, {"\x01", .99}, {"\x1e", .98},
};

typedef struct Strings {
  struct {
    char text[SNIFF_DELIMITER_SIZE + 1];
    size_t lines;
    size_t last; // line it was last seen on
  } list[STRINGS];
  size_t count;
  size_t lines;
} Strings;

static bool contains(const char *bytes, size_t len, const char *what) {
  size_t size = strlen(what);
  const char *end = bytes + len;
  for (const char *at = bytes; (size_t)(end - at) >= size; at++) {
    at = memchr(at, what[0], (size_t)(end - at));
    if (!at || (size_t)(end - at) < size)
      return false;
    if (memcmp(at, what, size) == 0)
      return true;
  }
  return false;
}

// What an unusual delimiter is made of: no letters and digits, nothing that numbers, dates, names
// and sentences are made of.
static bool is_part(char c) {
  return (c > 0 && c < ' ' && !strchr("\t\n\r\v\f", c)) ||
         (c > 0 && strchr(",;|:^~!#%*=<>&$@`\t", c));
}

// Signs beyond ASCII: Latin-1 punctuation, general punctuation, box drawing. Bytes, or 0.
static size_t sign_length(const char *at, size_t left) {
  unsigned char a = (unsigned char)at[0];
  unsigned char b = left > 1 ? (unsigned char)at[1] : 0;
  if (a == 0xc2 && b >= 0xa1 && b <= 0xbf)
    return 2;
  if (a == 0xc3 && (b == 0x97 || b == 0xb7))
    return 2;
  if (a == 0xe2 && left > 2 && ((b >= 0x80 && b <= 0x81) || (b >= 0x94 && b <= 0x97)))
    return 3;
  return 0;
}

static size_t part_length(const char *at, size_t left) {
  return is_part(*at) ? 1 : sign_length(at, left);
}

static void add_string(Strings *strings, const char *text, size_t len) {
  size_t i = 0;
  for (; i < strings->count; i++)
    if (strlen(strings->list[i].text) == len && memcmp(strings->list[i].text, text, len) == 0)
      break;
  if (i == STRINGS)
    return;
  if (i == strings->count) {
    strings->count++;
    memcpy(strings->list[i].text, text, len);
    strings->list[i].text[len] = 0;
    strings->list[i].lines = 0;
    strings->list[i].last = SIZE_MAX;
  }
  if (strings->list[i].last != strings->lines)
    strings->list[i].lines++;
  strings->list[i].last = strings->lines;
}

// Three and more of what is a delimiter by itself: cells with nothing in them.
static bool is_empty_cells(const char *at, size_t len) {
  size_t same = 0;
  while (same < len && at[same] == at[0] && strchr(",;\t", at[0]))
    same++;
  return len > 2 && same == len;
}

// All pieces of the run of signs at `at`, as long as a delimiter can be.
static void add_pieces(Strings *strings, const char *at, const char *end) {
  while (at < end) {
    size_t len = 0;
    size_t first = part_length(at, (size_t)(end - at));
    if (first == 0)
      return; // a sign that the end of the run cuts in two
    while (at + len < end) {
      size_t part = part_length(at + len, (size_t)(end - at) - len);
      len += part;
      if (part == 0 || len > SNIFF_DELIMITER_SIZE)
        break;
      if (len > 1 && (at[len - 1] == '\t') != (at[0] == '\t'))
        break; // a tab with another sign: a delimiter and what lines the columns up
      if (!is_empty_cells(at, len))
        add_string(strings, at, len);
    }
    at += first;
  }
}

static void scan_line(Strings *strings, const char *at, const char *end) {
  while (at < end) {
    const char *run = at;
    size_t step;
    while (at < end && (step = part_length(at, (size_t)(end - at))) > 0)
      at += step;
    if (at > run)
      add_pieces(strings, run, at - run > 16 ? run + 16 : at);
    else
      at++;
  }
  strings->lines++;
}

static void scan_lines(Strings *strings, const char *bytes, size_t len) {
  const char *at = bytes, *end = bytes + len;
  while (at < end && strings->lines < LOOKED_AT_LINES) {
    const char *stop = at;
    while (stop < end && *stop != '\n' && *stop != '\r')
      stop++;
    if (stop > at)
      scan_line(strings, at, stop);
    at = stop + 1;
  }
}

static bool is_usual(const char *text) {
  for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
    if (strcmp(usual[i].text, text) == 0)
      return true;
  return false;
}

// The percentage of a sign's occurrences that are outside `text`.
static size_t share_outside(const char *bytes, size_t len, char sign, const char *text) {
  size_t all = 0, inside = 0, size = strlen(text), signs = 0;
  for (const char *at = text; *at; at++)
    signs += *at == sign;
  for (size_t i = 0; i < len; i++) {
    if (len - i >= size && memcmp(bytes + i, text, size) == 0) {
      inside += signs;
      all += signs;
      i += size - 1;
    } else {
      all += bytes[i] == sign;
    }
  }
  return all ? (all - inside) * 100 / all : 0;
}

// Of several signs with a comma, semicolon or tab that stands elsewhere, too: cells with nothing in
// them (",,"), or ones that begin or end with a sign (";$5").
static bool holds_usual(const char *bytes, size_t len, const char *text) {
  if (!text[1])
    return false;
  if (strpbrk(text, ",;\t|") && (strpbrk(text, "$%#") || strstr(text, "\xc2\xa3")))
    return true; // ";$5": a sign that comes before numbers
  for (const char *sign = ",;\t"; *sign; sign++)
    if (strchr(text, *sign) && share_outside(bytes, len, *sign, text) > 5)
      return true;
  return false;
}

size_t sniff_delimiters(const char *bytes, size_t len, SniffDelimiter *out) {
  Strings strings = {.count = 0};
  size_t count = 0;
  for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
    if (contains(bytes, len, usual[i].text))
      out[count++] = usual[i];
  scan_lines(&strings, bytes, len);
  for (size_t i = 0; i < strings.count && count < SNIFF_MAX_DELIMITERS; i++) {
    const char *text = strings.list[i].text;
    if (strings.list[i].lines * 10 < strings.lines * 6 || is_usual(text) ||
        holds_usual(bytes, len, text))
      continue;
    strcpy(out[count].text, text);
    out[count++].prior = text[1] ? 0.93 : 0.8;
  }
  return count;
}
