// What the type_*.c files share: their rows, orders, and small readers of characters.
//
// Private to them; everybody else includes type.h.
#ifndef PGHOST_RULES_TYPE_TOOLS_H
#define PGHOST_RULES_TYPE_TOOLS_H

#include "base/hex.h"
#include "rules/type.h"

// The rows of each file, NULL after the last; type_name.c puts them one after the other.
extern const TypeKind *const character_types[], *const number_types[], *const numeric_types[];
extern const TypeKind *const boolean_types[], *const datetime_types[], *const interval_types[];
extern const TypeKind *const uuid_types[], *const json_types[], *const network_types[];
extern const TypeKind *const bytea_types[];

// By an explicit format (type_format.c); white space around the text is gone.
bool parse_formatted(const Type *type, const char *text, size_t len, Value *value);

// A date or time in another spelling than ISO 8601's (type_spelled.c).
typedef struct Spelled {
  bool has_date, has_time, has_zone;
  bool named_zone; // refused: after the time is a word that may name a zone
  int infinity;    // -1 before, 1 after all moments; 0: a moment
  int64_t days;    // since 2000-01-01
  int64_t time;    // microseconds
  int64_t zone;    // microseconds east of UTC
} Spelled;

// White space around the text is gone. False: none of the spellings.
bool read_spelled(const char *at, const char *end, Spelled *out);

// Whether the server can hold this decimal number, of valid syntax, as a numeric without limits.
bool numeric_fits(const char *text, size_t len);

// Appends text with the escapes of COPY's text format (type_text.c).
void put_copy_text(const char *text, size_t len, Buffer *out);

// Orders of values: by `integer`, by the bytes.
int compare_integers(const Value *a, const Value *b, const Buffer *scratch);
int compare_bytes(const Value *a, const Value *b, const Buffer *scratch);

// Sets the reason and returns false: for `return refuse(...)`.
static inline bool refuse(const char *phrase, const char **reason) {
  *reason = phrase;
  return false;
}

// What isspace says in the C locale, which is what the server skips around most values.
static inline bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool is_digit(char c) {
  return (unsigned char)(c - '0') < 10;
}

// Narrows [*at, *end) to what is inside surrounding white space.
static inline void trim_space(const char **at, const char **end) {
  while (*at < *end && is_space(**at))
    ++*at;
  while (*at < *end && is_space((*end)[-1]))
    --*end;
}

// Whether the text is `word` (lower case, letters alone) in any case.
static inline bool is_word(const char *at, const char *end, const char *word) {
  for (; at < end && *word; at++, word++)
    if ((*at | 0x20) != *word)
      return false;
  return at == end && !*word;
}

// Appends the bytes of a value to the scratch buffer, and lets the value be them.
static inline bool store_bytes(Buffer *scratch, const void *bytes, size_t len, Value *value,
                               const char **reason) {
  *reason = "out of memory";
  value->bytes = NULL;
  value->integer = (int64_t)scratch->len;
  value->len = (uint32_t)len;
  buffer_put(scratch, bytes, len);
  return !scratch->failed;
}

// Numbers in network byte order, as binary values have them.
static inline void write_be32(unsigned char *out, uint32_t number) {
  number = __builtin_bswap32(number);
  memcpy(out, &number, sizeof number);
}

static inline void write_be64(unsigned char *out, uint64_t number) {
  number = __builtin_bswap64(number);
  memcpy(out, &number, sizeof number);
}

static inline uint32_t read_be32(const char *at) {
  uint32_t number;
  memcpy(&number, at, sizeof number);
  return __builtin_bswap32(number);
}

static inline uint64_t read_be64(const char *at) {
  uint64_t number;
  memcpy(&number, at, sizeof number);
  return __builtin_bswap64(number);
}

// Two digits as a number, or more than 99 when they are not two digits.
static inline unsigned read_two_digits(const char *at) {
  unsigned tens = (unsigned)(unsigned char)at[0] - '0';
  unsigned ones = (unsigned)(unsigned char)at[1] - '0';
  return tens < 10 && ones < 10 ? tens * 10 + ones : 100;
}

#define MICROSECONDS INT64_C(1000000)
#define DAY_MICROSECONDS (86400 * MICROSECONDS)
#define JULIAN_OF_2000 INT64_C(2451545) // the server has no day and no moment before julian day 0

// Days from 2000-01-01 to a day of the Gregorian calendar, years 1 to 9999. False: no such day.
// The formula is date2j of PostgreSQL's src/backend/utils/adt/datetime.c.
static inline bool calendar_days(unsigned year, unsigned month, unsigned day, int64_t *days) {
  static const unsigned char lengths[] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1)
    return false;
  bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  if (day > lengths[month] + (unsigned)(leap && month == 2))
    return false;
  unsigned y = month > 2 ? year + 4800 : year + 4799;
  unsigned m = month > 2 ? month + 1 : month + 13;
  unsigned julian = y * 365 - 32167 + y / 4 - y / 100 + y / 400 + 7834 * m / 256 + day;
  *days = (int64_t)julian - JULIAN_OF_2000;
  return true;
}

#endif
