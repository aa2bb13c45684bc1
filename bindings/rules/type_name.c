// SQL names of types: read in every spelling that people and the catalog use, written in the short
// one.
#include <stdio.h>

#include "rules/type_parse.h"

enum {
  MAX_NAME = 64,
  MAX_PRECISION = 1000,  // of numeric; the scale may be as far below or above zero
  MAX_LENGTH = 10485760, // of varchar
};

typedef struct Name {
  const char *text;
  TypeKind kind;
} Name;

// The first name of a kind is the one that type_name writes.
static const Name names[] = {
    {"text", TYPE_TEXT},
    {"varchar", TYPE_VARCHAR},
    {"character varying", TYPE_VARCHAR},
    {"smallint", TYPE_SMALLINT},
    {"int2", TYPE_SMALLINT},
    {"integer", TYPE_INTEGER},
    {"int", TYPE_INTEGER},
    {"int4", TYPE_INTEGER},
    {"bigint", TYPE_BIGINT},
    {"int8", TYPE_BIGINT},
    {"numeric", TYPE_NUMERIC},
    {"decimal", TYPE_NUMERIC},
    {"dec", TYPE_NUMERIC},
    {"real", TYPE_REAL},
    {"float4", TYPE_REAL},
    {"double precision", TYPE_DOUBLE},
    {"float8", TYPE_DOUBLE},
    {"float", TYPE_DOUBLE},
    {"boolean", TYPE_BOOLEAN},
    {"bool", TYPE_BOOLEAN},
    {"date", TYPE_DATE},
    {"time", TYPE_TIME},
    {"time without time zone", TYPE_TIME},
    {"timestamp", TYPE_TIMESTAMP},
    {"timestamp without time zone", TYPE_TIMESTAMP},
    {"timestamptz", TYPE_TIMESTAMPTZ},
    {"timestamp with time zone", TYPE_TIMESTAMPTZ},
    {"uuid", TYPE_UUID},
    {"json", TYPE_JSON},
    {"jsonb", TYPE_JSONB},
};

enum { NAME_COUNT = sizeof names / sizeof *names };

void type_name(const Type *type, char *out, size_t size) {
  const char *text = "";
  for (int i = 0; i < NAME_COUNT && !*text; i++)
    text = names[i].kind == type->kind ? names[i].text : "";
  if (type->kind == TYPE_VARCHAR && type->length)
    snprintf(out, size, "%s(%d)", text, type->length);
  else if (type->kind == TYPE_NUMERIC && type->precision)
    snprintf(out, size, "%s(%d,%d)", text, type->precision, type->scale);
  else
    snprintf(out, size, "%s", text);
}

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

// Copies the words up to '(' or the end, in lower case, one blank between them. Returns where it
// stopped, or NULL when the name is too long.
static const char *read_words(const char *at, char *out) {
  size_t count = 0;
  for (; *at && *at != '('; at++) {
    bool blank = is_space(*at);
    if (blank && (count == 0 || out[count - 1] == ' '))
      continue;
    if (count + 1 == MAX_NAME)
      return NULL;
    out[count++] = blank ? ' ' : lower(*at);
  }
  while (count && out[count - 1] == ' ')
    count--;
  out[count] = 0;
  return at;
}

static const char *skip_space(const char *at) {
  while (is_space(*at))
    at++;
  return at;
}

// Reads a number with white space around it. NULL when there is none, or it is far too big.
static const char *read_number(const char *at, int32_t *number) {
  at = skip_space(at);
  bool negative = *at == '-';
  at += negative;
  if (!is_digit(*at))
    return NULL;
  int32_t n = 0;
  for (; is_digit(*at); at++) {
    n = n * 10 + (*at - '0');
    if (n > MAX_LENGTH)
      return NULL;
  }
  *number = negative ? -n : n;
  return skip_space(at);
}

// Reads "(10)" or "(10,2)" and whatever is left behind it must be nothing. Returns how many
// numbers.
static int read_numbers(const char *at, int32_t numbers[2]) {
  at = read_number(at + 1, &numbers[0]);
  int count = 1;
  if (at && *at == ',') {
    at = read_number(at + 1, &numbers[1]);
    count = 2;
  }
  return at && *at == ')' && !*skip_space(at + 1) ? count : 0;
}

static bool set_numbers(Type *type, const int32_t numbers[2], int count) {
  if (type->kind == TYPE_VARCHAR) {
    type->length = numbers[0];
    return count == 1 && numbers[0] >= 1;
  }
  type->precision = numbers[0];
  type->scale = numbers[1];
  return type->kind == TYPE_NUMERIC && count >= 1 && numbers[0] >= 1 &&
         numbers[0] <= MAX_PRECISION && numbers[1] >= -MAX_PRECISION && numbers[1] <= MAX_PRECISION;
}

bool type_from_name(const char *sql_name, Type *out) {
  char words[MAX_NAME];
  int32_t numbers[2] = {0, 0};
  const char *rest = read_words(sql_name, words);
  for (int i = 0; rest && i < NAME_COUNT; i++) {
    if (strcmp(words, names[i].text) != 0)
      continue;
    Type type = {.kind = names[i].kind};
    if (*rest && !set_numbers(&type, numbers, read_numbers(rest, numbers)))
      return false;
    *out = type;
    return true;
  }
  return false;
}
