// See stored.h. What the server has is in src/backend/utils/mb/Unicode of PostgreSQL.
#include "csv/stored.h"

#include <iconv.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "csv/encoding.h"

struct Stored {
  char name[ENCODING_NAME];
  iconv_t converter;
  bool wide; // several bytes a character
};

Stored *stored_new(const char *encoding) {
  Stored *stored = calloc(1, sizeof *stored);
  if (!stored)
    return NULL;
  strncpy(stored->name, encoding, sizeof stored->name - 1);
  stored->wide = strncmp(encoding, "EUC-", 4) == 0;
  stored->converter = iconv_open(encoding, "UTF-8");
  if (stored->converter != (iconv_t)-1)
    return stored;
  free(stored);
  return NULL;
}

void stored_free(Stored *stored) {
  if (!stored)
    return;
  iconv_close(stored->converter);
  free(stored);
}

// A character, and what iconv makes of it.
typedef struct Character {
  uint32_t code;
  size_t made; // bytes; 0: it is unknown to iconv
  unsigned char bytes[16];
} Character;

static size_t character_length(const char *at, size_t left) {
  size_t len = 1;
  while (len < left && (at[len] & 0xc0) == 0x80)
    len++;
  return len;
}

static uint32_t code_of(const char *at, size_t len) {
  uint32_t code = (unsigned char)*at & (0x7fu >> len);
  for (size_t i = 1; i < len; i++)
    code = code << 6 | ((unsigned char)at[i] & 0x3f);
  return code;
}

static void convert(Stored *stored, const char *at, size_t len, Character *character) {
  char *in = (char *)(uintptr_t)at, *out = (char *)character->bytes; // iconv does not write to it
  size_t left = len, room = sizeof character->bytes;
  character->code = code_of(at, len);
  iconv(stored->converter, NULL, NULL, NULL, NULL);
  bool good = iconv(stored->converter, &in, &left, &out, &room) != (size_t)-1 &&
              iconv(stored->converter, NULL, NULL, &out, &room) != (size_t)-1;
  character->made = good ? sizeof character->bytes - room : 0;
}

// What iconv has and the server does not: characters that the server has at another code point, and
// those for private use.
static bool is_iconvs_alone(const char *name, uint32_t code) {
  static const struct {
    const char *name;
    uint32_t code;
  } others[] = {
      {"EUC-JP-MS", 0xa2},   {"EUC-JP-MS", 0xa3},      {"EUC-JP-MS", 0xac},
      {"EUC-JP-MS", 0x2014}, {"EUC-JP-MS", 0x2016},    {"EUC-JP-MS", 0x2212},
      {"EUC-JP-MS", 0x301c}, {"EUC-KR", 0x20a9},       {"CP1258", 0x340},
      {"CP1258", 0x341},     {"EUC-JISX0213", 0xffe3}, {"EUC-JISX0213", 0xffe5},
      {"EUC-TW", 0x4ea0},    {"EUC-TW", 0x51ab},       {"EUC-TW", 0x52f9},
      {"EUC-TW", 0x60e8},    {"EUC-TW", 0x7c55},       {"EUC-TW", 0x8ed0},
  };
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (code == others[i].code && strcmp(name, others[i].name) == 0)
      return true;
  return strcmp(name, "EUC-JP-MS") == 0 && code >= 0xe000 && code < 0xf000;
}

// Of the fourth plane of CNS 11643 the server has these.
static bool is_of_plane_4(uint32_t code) {
  static const uint16_t codes[] = {0x4fbd, 0x50d2, 0x50df, 0x52bd, 0x5727, 0x582b, 0x5845, 0x5867,
                                   0x5a10, 0x5b66, 0x5bdd, 0x5c13, 0x5cfc, 0x5cfe, 0x5f8d, 0x5fc8,
                                   0x6018, 0x6048, 0x63fa, 0x656e, 0x65f9, 0x6765, 0x6788, 0x69ba,
                                   0x6b29, 0x6b9d, 0x6ccb, 0x6ce6, 0x6e86, 0x6f8a, 0x70a6, 0x70c9,
                                   0x71cd, 0x7499, 0x7706, 0x77d6, 0x7b29, 0x7bc2, 0x7bc3, 0x7f84,
                                   0x8059, 0x8128, 0x8a2e, 0x8b73, 0x8c87, 0x8d0e, 0x90f6, 0x9458,
                                   0x9579, 0x96ba, 0x9823, 0x9842, 0x9861, 0x9ad9, 0x9b2d, 0x9c27};
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
    if (codes[i] == code)
      return true;
  return false;
}

// Of the third plane it has the ideographs that Unicode had at first, of the later ones nothing.
static bool is_of_taiwan(const Character *character) {
  unsigned char plane = character->bytes[1];
  if (character->made < 4)
    return true;
  if (plane == 0xa3)
    return character->code >= 0x4e00 && character->code <= 0x9fff;
  return plane < 0xa3 || (plane == 0xa4 && is_of_plane_4(character->code));
}

// Whether the database has the character. Where iconv makes several bytes of one (a letter and its
// accent) or one of several (a C1 control, a yen sign), the server does not.
static bool is_held(const Stored *stored, const Character *character) {
  if (strcmp(stored->name, "EUC-JISX0213") == 0 && character->made <= 1)
    return character->code < 0xa0 || character->code == 0xa5 || character->code == 0x203e;
  if (character->made == 0 || (character->made > 1) != stored->wide ||
      is_iconvs_alone(stored->name, character->code))
    return false;
  return strcmp(stored->name, "EUC-TW") != 0 || is_of_taiwan(character);
}

size_t stored_length(Stored *stored, const char *text, size_t len) {
  size_t at = 0, step;
  for (; at < len; at += step) {
    Character character;
    step = character_length(text + at, len - at);
    if ((unsigned char)text[at] < 0x80)
      continue;
    convert(stored, text + at, step, &character);
    if (!is_held(stored, &character))
      break;
  }
  return at;
}
