// See legacy.h.
#include "csv/legacy.h"

#include <iconv.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "csv/languages.h"

enum {
  BYTES = 256,
  SHORT = 24,    // places with bytes beyond ASCII
  SLOTS = 16384, // of the table of pairs, a power of two, twice what it holds
  // How unlikely rare letters are, as natural logarithms.
  UNSEEN_PAIR = 4, // above the letter in it
  UNSEEN_LETTER = 13,
  SYMBOL = 7, // that texts have: quotes, dashes, the euro
  ODD_SYMBOL = 14,
  BESIDE_LETTER = 3,
  MIXED_SCRIPTS = 6,
  MIXTURE = 2,     // of languages, each time
  WRONG_CASE = 5,  // a capital after a small letter
  FIRST_LEVEL = 9, // the characters that a standard has in front, as they are common
  SECOND_LEVEL = 13,
  BEYOND_LEVELS = 16,
  HALF_WIDTH = 12,
  ENOUGH = 8,         // between two encodings: three thousand to one
  WIDE_CHARACTER = 3, // above all that: of single bytes each pair counts, of these not
  ALONE = 6,          // a wide character among ASCII
};

static const double ENOUGH_EACH = 0.8; // of ENOUGH's kind, in each place where two encodings differ

typedef enum Script { LATIN, CYRILLIC, GREEK, HEBREW, ARABIC, THAI, WIDE } Script;

typedef enum Width { SINGLE, SHIFT_JIS, EUC_JP, EUC_KR, UHC, GB18030, BIG5 } Width;

typedef struct Encoding {
  const char *name;
  Script script;
  int prior; // how rare files in it are
  Width width;
  const char *languages; // that it was made for; NULL: those of the script
} Encoding;

static const char west[] = "de fr es pt it nl da sv nb fi is ca ga sq";
static const char east[] = "pl cs sk sl hr hu ro sq de";
static const char baltic[] = "et lv lt";

// Of encodings that give the same text the first is chosen: the larger set of characters.
static const Encoding encodings[] = {
    {"windows-1252", LATIN, 0, SINGLE, west},
    {"iso-8859-15", LATIN, 4, SINGLE, west},
    {"windows-1250", LATIN, 1, SINGLE, east},
    {"iso-8859-2", LATIN, 2, SINGLE, east},
    {"windows-1254", LATIN, 2, SINGLE, "tr"},
    {"windows-1257", LATIN, 2, SINGLE, baltic},
    {"iso-8859-13", LATIN, 6, SINGLE, baltic},
    {"iso-8859-4", LATIN, 14, SINGLE, baltic},
    {"iso-8859-3", LATIN, 10, SINGLE, "eo"},
    {"macintosh", LATIN, 3, SINGLE, west},
    {"cp850", LATIN, 3, SINGLE, west},
    {"cp437", LATIN, 4, SINGLE, west},
    {"cp852", LATIN, 3, SINGLE, east},
    {"cp857", LATIN, 4, SINGLE, "tr"},
    {"cp775", LATIN, 6, SINGLE, baltic},
    {"cp865", LATIN, 9, SINGLE, "da nb"},
    {"cp860", LATIN, 9, SINGLE, "pt"},
    {"cp861", LATIN, 9, SINGLE, "is"},
    {"maccentraleurope", LATIN, 8, SINGLE, east},
    {"windows-1251", CYRILLIC, 0, SINGLE, NULL},
    {"koi8-u", CYRILLIC, 1, SINGLE, NULL},
    {"koi8-r", CYRILLIC, 1, SINGLE, NULL},
    {"cp866", CYRILLIC, 2, SINGLE, NULL},
    {"iso-8859-5", CYRILLIC, 3, SINGLE, NULL},
    {"maccyrillic", CYRILLIC, 4, SINGLE, NULL},
    {"cp855", CYRILLIC, 5, SINGLE, NULL},
    {"windows-1253", GREEK, 0, SINGLE, NULL},
    {"iso-8859-7", GREEK, 1, SINGLE, NULL},
    {"cp737", GREEK, 3, SINGLE, NULL},
    {"cp869", GREEK, 4, SINGLE, NULL},
    {"windows-1255", HEBREW, 0, SINGLE, NULL},
    {"iso-8859-8", HEBREW, 1, SINGLE, NULL},
    {"cp862", HEBREW, 3, SINGLE, NULL},
    {"windows-1256", ARABIC, 0, SINGLE, NULL},
    {"iso-8859-6", ARABIC, 1, SINGLE, NULL},
    {"windows-874", THAI, 0, SINGLE, NULL},
    {"shift_jis", WIDE, 1, SHIFT_JIS, "ja"},
    {"cp932", WIDE, 1, SHIFT_JIS, "ja"},
    {"euc-jp", WIDE, 1, EUC_JP, "ja"},
    {"euc-kr", WIDE, 1, EUC_KR, "ko"},
    {"cp949", WIDE, 1, UHC, "ko"},
    {"gb18030", WIDE, 1, GB18030, "zh_CN zh_TW"},
    {"big5", WIDE, 1, BIG5, "zh_TW"},
    {"big5-hkscs", WIDE, 3, BIG5, "zh_TW"},
};

enum { ENCODINGS = sizeof encodings / sizeof *encodings };

typedef struct Slot {
  uint64_t key; // 0: empty
  int cost;
} Slot;

typedef struct Score {
  int64_t cost; // of the best language, with the prior; INT64_MAX: it is not of this encoding
  int language; // -1: several
} Score;

typedef struct Guess {
  const unsigned char *bytes;
  size_t len;
  bool whole;
  Slot *slots;      // what is known of letters and pairs
  uint32_t *counts; // of pairs of bytes, one of them beyond ASCII
  uint16_t *pairs;  // those that there are
  size_t pair_count;
  uint64_t events;                 // all of them
  uint16_t maps[ENCODINGS][BYTES]; // of single bytes the characters; 0: none
  bool used[BYTES];
  Score scores[ENCODINGS];
} Guess;

// Characters

// In lower case, as far as the encodings have capitals.
static uint32_t lower(uint32_t c) {
  if (c >= 0x218 && c <= 0x21b) // Romanian commas as the cedillas that old encodings have
    c = c < 0x21a ? 0x15f : 0x163;
  if (c < 0x80)
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
  if ((c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3a9) ||
      (c >= 0x410 && c <= 0x42f))
    return c + 32;
  if ((c >= 0x100 && c <= 0x137) || (c >= 0x14a && c <= 0x177) || c == 0x490)
    return c == 0x130 ? c : c | 1;
  if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e))
    return c + (c & 1);
  if (c >= 0x400 && c <= 0x40f)
    return c + 80;
  return c == 0x178                 ? 0xff
         : c == 0x386               ? 0x3ac
         : c >= 0x388 && c <= 0x38a ? c + 37
         : c == 0x38c               ? 0x3cc
         : c == 0x38e || c == 0x38f ? c + 63
                                    : c;
}

static bool is_latin(uint32_t c) {
  return (c >= 0xc0 && c < 0x250 && c != 0xd7 && c != 0xf7) || (c >= 'a' && c <= 'z') ||
         (c >= 'A' && c <= 'Z');
}

static bool is_letter(uint32_t c) {
  return is_latin(c) || (c >= 0x370 && c < 0x530) || (c >= 0x5d0 && c < 0x660) ||
         (c >= 0xe00 && c < 0xe80);
}

// Signs that texts have. Those in front also inside of and beside words.
static bool is_usual_symbol(uint32_t c, bool *beside) {
  static const uint16_t symbols[] = {
      0x2019, 0x2018, 0x201c, 0x201d, 0x201e, 0xab, 0xbb, 0x2013, 0x2014, 0x2026, 0xa0,
      0xba,   0xaa,   0xb0,   0xb7,   0xb4,   0xb2, 0xb3, 0xa7,   0xa9,   0xae,   0x20ac,
      0xa3,   0xbd,   0xb1,   0xb5,   0xd7,   0xbf, 0xa1, 0x2122, 0x201a, 0x2022};
  for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++)
    if (symbols[i] == c) {
      *beside = i < 14;
      return true;
    }
  *beside = false;
  return false;
}

// What is known

static uint64_t key_of(int language, uint32_t first, uint32_t second) {
  return ((uint64_t)language + 1) << 40 | (uint64_t)first << 20 | second;
}

static Slot *slot_of(Slot *slots, uint64_t key) {
  size_t at = (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 40) % SLOTS;
  while (slots[at].key != 0 && slots[at].key != key)
    at = (at + 1) % SLOTS;
  return &slots[at];
}

static int cost_of(const Guess *guess, int language, uint32_t first, uint32_t second) {
  const Slot *slot = slot_of(guess->slots, key_of(language, first, second));
  return slot->key ? slot->cost : -1;
}

// One character of valid UTF-8.
static uint32_t next_character(const char **at) {
  const unsigned char *c = (const unsigned char *)*at;
  size_t len = c[0] < 0x80 ? 1 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4;
  uint32_t value = len == 1 ? c[0] : c[0] & (0x7fu >> len);
  for (size_t i = 1; i < len; i++)
    value = value << 6 | (c[i] & 0x3f);
  *at += len;
  return value;
}

static void learn(Guess *guess, int language, const char *text, bool pairs) {
  int cost = 0;
  while (text && *text) {
    if (*text >= 'A' && *text <= 'Z') {
      cost = *text++ - 'A';
      continue;
    }
    uint32_t first = lower(next_character(&text));
    uint32_t second = pairs ? lower(next_character(&text)) : 0;
    uint64_t key = key_of(language, first, second);
    Slot *slot = slot_of(guess->slots, key);
    if (!slot->key)
      *slot = (Slot){key, cost};
  }
}

static Script script_of(int language) {
  const char *text = legacy_languages[language].letters + 1;
  uint32_t c = next_character(&text);
  return !legacy_languages[language].pairs ? WIDE
         : c < 0x370                       ? LATIN
         : c < 0x400                       ? GREEK
         : c < 0x530                       ? CYRILLIC
         : c < 0x600                       ? HEBREW
         : c < 0x700                       ? ARABIC
                                           : THAI;
}

static bool is_written_in(const Encoding *encoding, int language) {
  return encoding->languages ? strstr(encoding->languages, legacy_languages[language].name) != NULL
                             : script_of(language) == encoding->script;
}

// Bytes

static void count_pair(Guess *guess, unsigned first, unsigned second) {
  uint32_t *count = &guess->counts[first << 8 | second];
  if (*count == 0)
    guess->pairs[guess->pair_count++] = (uint16_t)(first << 8 | second);
  ++*count;
  guess->events++;
}

static void count_pairs(Guess *guess) {
  unsigned before = ' ';
  for (size_t i = 0; i <= guess->len; i++) {
    unsigned byte = i < guess->len ? guess->bytes[i] : ' ';
    guess->used[byte] = true;
    if ((before | byte) & 0x80)
      count_pair(guess, before, byte);
    before = byte;
  }
}

// In a short text a repeated word adds no evidence.
static void forget_repetitions(Guess *guess) {
  for (size_t i = 0; guess->events < SHORT && i < guess->pair_count; i++)
    guess->counts[guess->pairs[i]] = 1;
  guess->events = guess->events < SHORT ? guess->pair_count : guess->events;
}

// The character that the bytes are, 0 for none.
static uint32_t decoded(iconv_t handle, const unsigned char *bytes, size_t len) {
  unsigned char out[16];
  char *from = (char *)(uintptr_t)bytes, *to = (char *)out; // iconv does not write to its input
  size_t room = sizeof out;
  iconv(handle, NULL, NULL, NULL, NULL);
  if (iconv(handle, &from, &len, &to, &room) == (size_t)-1)
    return 0;
  iconv(handle, NULL, NULL, &to, &room); // what waits for a mark that could follow
  if (room > sizeof out - 4)
    return 0;
  uint32_t c = out[0] | (uint32_t)out[1] << 8 | (uint32_t)out[2] << 16 | (uint32_t)out[3] << 24;
  bool text = (c >= 0x20 && c < 0x7f) || (c >= 0xa0 && (c < 0xe000 || c > 0xf8ff)) || c == '\t' ||
              c == '\n' || c == '\r';
  return text ? c : 0;
}

// Single bytes

static bool map_bytes(Guess *guess, size_t encoding, iconv_t handle) {
  uint16_t *map = guess->maps[encoding];
  for (unsigned i = 0; i < BYTES; i++) {
    unsigned char byte = (unsigned char)i;
    map[i] = i < 0x80 ? (uint16_t)i : (uint16_t)decoded(handle, &byte, 1);
    if (guess->used[i] && i >= 0x80 && map[i] == 0)
      return false;
  }
  return true;
}

static int letter_cost(const Guess *guess, int language, uint32_t c) {
  if (c < 0x80)
    return 0;
  int cost = cost_of(guess, language, c, 0);
  return cost < 0 ? UNSEEN_LETTER : cost + UNSEEN_PAIR;
}

static int symbol_cost(uint32_t symbol, uint32_t other) {
  bool beside;
  int cost = is_usual_symbol(symbol, &beside) ? SYMBOL : ODD_SYMBOL;
  return cost + (is_letter(other) && !beside ? BESIDE_LETTER : 0);
}

static int pair_cost(const Guess *guess, int language, uint32_t first, uint32_t second) {
  uint32_t a = is_letter(first) || first >= 0x80 ? lower(first) : ' ';
  uint32_t b = is_letter(second) || second >= 0x80 ? lower(second) : ' ';
  bool symbol_a = a >= 0x80 && !is_letter(a), symbol_b = b >= 0x80 && !is_letter(b);
  if (symbol_a || symbol_b)
    return symbol_a && symbol_b ? 2 * SYMBOL : symbol_a ? symbol_cost(a, b) : symbol_cost(b, a);
  int penalty = is_letter(a) && is_letter(b) && is_latin(a) != is_latin(b) ? MIXED_SCRIPTS : 0;
  if (b != second && second >= 0x80 && a != ' ' && a == first)
    penalty += WRONG_CASE;
  int cost = cost_of(guess, language, a, b);
  if (cost < 0) {
    int left = letter_cost(guess, language, a), right = letter_cost(guess, language, b);
    cost = left > right ? left : right;
  }
  return cost + penalty;
}

static int64_t language_cost(const Guess *guess, const uint16_t *map, int language) {
  int64_t cost = 0;
  for (size_t i = 0; i < guess->pair_count; i++) {
    unsigned pair = guess->pairs[i];
    cost +=
        (int64_t)guess->counts[pair] * pair_cost(guess, language, map[pair >> 8], map[pair & 0xff]);
  }
  return cost;
}

// Names of people and places in one file come from many languages, but from one part of the world.
static int64_t mixed_cost(const Guess *guess, const Encoding *encoding, const uint16_t *map) {
  int64_t cost = 0;
  bool among[SNIFF_LANGUAGES];
  for (int i = 0; i < SNIFF_LANGUAGES; i++)
    among[i] = is_written_in(encoding, i);
  for (size_t k = 0; k < guess->pair_count; k++) {
    unsigned pair = guess->pairs[k];
    int least = INT_MAX;
    for (int i = 0; i < SNIFF_LANGUAGES; i++) {
      int one = among[i] ? pair_cost(guess, i, map[pair >> 8], map[pair & 0xff]) : INT_MAX;
      least = one < least ? one : least;
    }
    cost += (int64_t)guess->counts[pair] * (least + MIXTURE);
  }
  return cost;
}

static void score_single(const Guess *guess, size_t encoding, Score *score) {
  const uint16_t *map = guess->maps[encoding];
  const Encoding *tried = &encodings[encoding];
  for (int i = 0; i < SNIFF_LANGUAGES; i++) {
    int64_t cost = is_written_in(tried, i) ? language_cost(guess, map, i) : INT64_MAX;
    if (cost < score->cost)
      *score = (Score){cost, i};
  }
  int64_t cost = tried->script == LATIN ? mixed_cost(guess, tried, map) : INT64_MAX;
  if (cost < score->cost)
    *score = (Score){cost, -1};
}

// Wide characters

static size_t wide_len(Width width, const unsigned char *at) {
  switch (width) {
  case SHIFT_JIS:
    return *at >= 0xa1 && *at <= 0xdf ? 1 : 2;
  case EUC_JP:
    return *at == 0x8f ? 3 : 2;
  case GB18030:
    return at[1] >= '0' && at[1] <= '9' ? 4 : 2;
  default:
    return 2;
  }
}

// By where a standard has the character: the first level are those that are used most.
static int level_cost(Width width, const unsigned char *at, size_t len) {
  static const unsigned char levels[][3] = {
      [SHIFT_JIS] = {0x88, 0x97, 0xea}, [EUC_JP] = {0xb0, 0xcf, 0xf4},
      [EUC_KR] = {0xb0, 0xc8, 0xfd},    [UHC] = {0xb0, 0xc8, 0xfd},
      [GB18030] = {0xb0, 0xd7, 0xf7},   [BIG5] = {0xa4, 0xc6, 0xf9}};
  const unsigned char *level = levels[width];
  if (len == 1)
    return HALF_WIDTH;
  if (len > 2 || *at > level[2] || (width != SHIFT_JIS && width != BIG5 && at[1] < 0xa1))
    return BEYOND_LEVELS;
  return *at >= level[0] && *at <= level[1] ? FIRST_LEVEL : SECOND_LEVEL;
}

typedef struct Wide {
  const Guess *guess;
  iconv_t handle;
  Width width;
  int64_t cost[SNIFF_LANGUAGES];
  int64_t alone; // wide characters among ASCII
} Wide;

static bool add_wide(Wide *wide, const unsigned char *at, size_t len, uint32_t count) {
  uint32_t c = decoded(wide->handle, at, len);
  if (c == 0)
    return false;
  for (int i = 0; i < SNIFF_LANGUAGES; i++) {
    int cost = legacy_languages[i].pairs ? 0 : cost_of(wide->guess, i, c, 0);
    if (cost < 0)
      cost = level_cost(wide->width, at, len);
    wide->cost[i] += (int64_t)count * (cost + WIDE_CHARACTER);
  }
  return true;
}

// Counts the characters of two bytes; the others are looked at one by one. False: it is none of the
// encoding.
static bool walk_wide(Wide *wide, uint32_t *counts) {
  const Guess *guess = wide->guess;
  const unsigned char *at = guess->bytes, *end = at + guess->len, *after = NULL;
  while (at < end) {
    if (*at < 0x80) {
      at++;
      continue;
    }
    size_t left = (size_t)(end - at), len = left < 2 ? 2 : wide_len(wide->width, at);
    if (wide->width == SHIFT_JIS && *at >= 0xa1 && *at <= 0xdf)
      len = 1;
    if (len > left)
      return !guess->whole;
    if (at != after && (len == left || at[len] < 0x80))
      wide->alone++;
    if (len == 2)
      counts[at[0] << 8 | at[1]]++;
    else if (!add_wide(wide, at, len, 1))
      return false;
    at += len;
    after = at;
  }
  return true;
}

static bool score_wide(const Guess *guess, size_t encoding, iconv_t handle, Score *score) {
  Wide wide = {.guess = guess, .handle = handle, .width = encodings[encoding].width};
  uint32_t *counts = calloc(BYTES * BYTES, sizeof *counts);
  bool good = counts && walk_wide(&wide, counts);
  for (unsigned i = 0; good && i < BYTES * BYTES; i++) {
    unsigned char bytes[2] = {(unsigned char)(i >> 8), (unsigned char)i};
    good = counts[i] == 0 || add_wide(&wide, bytes, 2, counts[i]);
  }
  for (int i = 0; good && i < SNIFF_LANGUAGES; i++)
    if (is_written_in(&encodings[encoding], i) && wide.cost[i] + ALONE * wide.alone < score->cost)
      *score = (Score){wide.cost[i] + ALONE * wide.alone, i};
  free(counts);
  return good;
}

// All

static void score_encoding(Guess *guess, size_t encoding) {
  const Encoding *tried = &encodings[encoding];
  Score *score = &guess->scores[encoding];
  *score = (Score){INT64_MAX, 0};
  iconv_t handle = iconv_open("UCS-4LE", tried->name);
  if (handle == (iconv_t)-1)
    return;
  if (tried->width != SINGLE)
    score_wide(guess, encoding, handle, score);
  else if (map_bytes(guess, encoding, handle))
    score_single(guess, encoding, score);
  if (score->cost != INT64_MAX)
    score->cost += tried->prior;
  iconv_close(handle);
}

// Whether both make the same text of the bytes.
static bool same_text(const Guess *guess, size_t one, size_t other) {
  if (encodings[one].width != SINGLE || encodings[other].width != SINGLE)
    return encodings[one].width == encodings[other].width ||
           (encodings[one].width == EUC_KR && encodings[other].width == UHC);
  for (unsigned i = 0x80; i < BYTES; i++)
    if (guess->used[i] && guess->maps[one][i] != guess->maps[other][i])
      return false;
  return true;
}

// In how much of the text both differ.
static uint64_t difference(const Guess *guess, size_t one, size_t other) {
  const uint16_t *map = guess->maps[one], *theirs = guess->maps[other];
  uint64_t events = 0;
  if (encodings[one].width != SINGLE && encodings[other].width != SINGLE)
    return guess->events / 2; // about the characters
  if (encodings[one].width != SINGLE || encodings[other].width != SINGLE)
    return guess->events;
  for (size_t i = 0; i < guess->pair_count; i++) {
    unsigned pair = guess->pairs[i];
    if (map[pair >> 8] != theirs[pair >> 8] || map[pair & 0xff] != theirs[pair & 0xff])
      events += guess->counts[pair];
  }
  return events;
}

static size_t find_best(const Guess *guess) {
  size_t best = 0;
  for (size_t i = 1; i < ENCODINGS; i++)
    if (guess->scores[i].cost < guess->scores[best].cost)
      best = i;
  for (size_t i = 0; i < best && guess->scores[best].cost != INT64_MAX; i++)
    if (guess->scores[i].cost != INT64_MAX && same_text(guess, i, best))
      return i;
  return best;
}

// How much likelier the one is than the other, as a share of what suffices: by that much overall,
// and by part of it in each place where they differ. Texts in the right encoding differ by much
// more from wrong ones.
static double advantage(const Guess *guess, size_t best, size_t rival) {
  double margin = (double)(guess->scores[rival].cost - guess->scores[best].cost);
  margin -= encodings[best].prior; // what is rare needs more
  double enough = (double)difference(guess, best, rival) * ENOUGH_EACH;
  return margin / (enough > ENOUGH ? enough : ENOUGH);
}

static void choose(const Guess *guess, LegacyGuess *out) {
  size_t best = find_best(guess);
  if (guess->scores[best].cost == INT64_MAX)
    return;
  out->name = encodings[best].name;
  out->wide = encodings[best].width != SINGLE;
  int language = guess->scores[best].language;
  out->language = language < 0 ? "names of several languages" : legacy_languages[language].name;
  out->margin = HUGE_VAL;
  out->strangeness =
      (double)(guess->scores[best].cost - encodings[best].prior) / (double)guess->events;
  for (size_t i = 0; i < ENCODINGS; i++) {
    if (guess->scores[i].cost == INT64_MAX || i == best || same_text(guess, best, i))
      continue;
    double found = advantage(guess, best, i);
    if (found < out->margin) {
      out->margin = found;
      out->rival = encodings[i].name;
    }
  }
}

bool legacy_guess(const char *bytes, size_t len, bool whole, LegacyGuess *out) {
  *out = (LegacyGuess){0};
  Guess *guess = calloc(1, sizeof *guess);
  if (!guess)
    return false;
  guess->bytes = (const unsigned char *)bytes;
  guess->len = len;
  guess->whole = whole;
  guess->slots = calloc(SLOTS, sizeof *guess->slots);
  guess->counts = calloc(BYTES * BYTES, sizeof *guess->counts);
  guess->pairs = calloc(BYTES * BYTES, sizeof *guess->pairs);
  bool good = guess->slots && guess->counts && guess->pairs;
  for (int i = 0; good && i < SNIFF_LANGUAGES; i++) {
    learn(guess, i, legacy_languages[i].letters, false);
    learn(guess, i, legacy_languages[i].pairs, true);
  }
  if (good)
    count_pairs(guess);
  if (good)
    forget_repetitions(guess);
  for (size_t i = 0; good && i < ENCODINGS; i++)
    score_encoding(guess, i);
  if (good)
    choose(guess, out);
  free(guess->slots);
  free(guess->counts);
  free(guess->pairs);
  free(guess);
  return good;
}
