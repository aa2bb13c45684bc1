// SQL names of types: read in every spelling that people and the catalog use, written in the short
// one. A well-formed name that is not one of ours is a type that only the server knows.
#include <stdio.h>

#include "rules/type_tools.h"

enum {
  MAX_NAME = TYPE_NAME_SIZE,
  MAX_PRECISION = 1000,  // of numeric; the scale may be as far below or above zero
  MAX_LENGTH = 10485760, // of varchar and char
  MAX_IDENTIFIER = 63,   // bytes; NAMEDATALEN - 1 of PostgreSQL
};

static const TypeKind *const *const families[] = {
    character_types, number_types,  numeric_types, boolean_types, datetime_types,
    interval_types,  network_types, bytea_types,   uuid_types,    json_types,
};

enum { FAMILY_COUNT = sizeof families / sizeof *families };

const TypeKind *type_kind(size_t i) {
  for (size_t family = 0; family < FAMILY_COUNT; family++)
    for (const TypeKind *const *kind = families[family]; *kind; kind++)
      if (i-- == 0)
        return *kind;
  return NULL;
}

static bool has_name(const TypeKind *kind, const char *words) {
  if (strcmp(kind->name, words) == 0)
    return true;
  for (const char *const *alias = kind->aliases; *alias; alias++)
    if (strcmp(*alias, words) == 0)
      return true;
  return false;
}

static const TypeKind *find_kind(const char *words) {
  const TypeKind *kind;
  for (size_t i = 0; (kind = type_kind(i)); i++)
    if (has_name(kind, words))
      return kind;
  return NULL;
}

const char *type_name_of_oid(uint32_t oid) {
  const TypeKind *kind;
  for (size_t i = 0; (kind = type_kind(i)); i++)
    if (kind->oid == oid && oid != 0)
      return kind->name;
  return NULL;
}

void type_name(const Type *type, char *out, size_t size) {
  const TypeKind *kind = type->element ? type->element : type->kind;
  const char *brackets = type->element ? "[]" : "";
  if (type->name)
    snprintf(out, size, "%s", type->name);
  else if (type->length)
    snprintf(out, size, "%s(%d)%s", kind->name, type->length, brackets);
  else if (type->precision)
    snprintf(out, size, "%s(%d,%d)%s", kind->name, type->precision, type->scale, brackets);
  else
    snprintf(out, size, "%s%s", kind->name ? kind->name : "", brackets);
}

bool type_comparable(const Type *a, const Type *b) {
  if (a->kind->unordered || b->kind->unordered)
    return false;
  const char *family = a->kind->family;
  const char *other = b->kind->family;
  return family && other ? *family && strcmp(family, other) == 0 : a->kind == b->kind;
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

// Reads "(10)" or "(10,2)" and whatever is left after it must be nothing. Returns how many
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
  if (type->kind->parameter == PARAMETER_LENGTH) {
    type->length = numbers[0];
    return count == 1 && numbers[0] >= 1;
  }
  type->precision = numbers[0];
  type->scale = numbers[1];
  return type->kind->parameter == PARAMETER_PRECISION && count >= 1 && numbers[0] >= 1 &&
         numbers[0] <= MAX_PRECISION && numbers[1] >= -MAX_PRECISION && numbers[1] <= MAX_PRECISION;
}

// "timestamp(3)": rounded by the server, so not ours.
static bool has_seconds_precision(const TypeKind *kind, const int32_t numbers[2], int count) {
  return kind->rounds_seconds && count == 1 && numbers[0] >= 0 && numbers[0] <= 6;
}

static bool is_name_start(char c) {
  char small = lower(c);
  return (small >= 'a' && small <= 'z') || c == '_' || (unsigned char)c >= 0x80;
}

// One identifier, quoted or not. Returns the end, or NULL.
static const char *skip_identifier(const char *at) {
  const char *start = at;
  if (*at == '"') {
    for (at++; *at && (*at != '"' || at[1] == '"'); at++)
      at += *at == '"';
    return *at && at > start + 1 && at - start - 1 <= MAX_IDENTIFIER ? at + 1 : NULL;
  }
  if (!is_name_start(*at))
    return NULL;
  while (is_name_start(*at) || is_digit(*at) || *at == '$')
    at++;
  return at - start <= MAX_IDENTIFIER ? at : NULL;
}

// Types whose names have several words, with an optional "(n)" at the end or, for time and
// timestamp, in the middle.
static bool has_many_words(const char *words) {
  return strcmp(words, "bit varying") == 0 || strncmp(words, "interval ", 9) == 0 ||
         strcmp(words, "national character") == 0 || strcmp(words, "national char") == 0 ||
         strcmp(words, "national character varying") == 0;
}

static bool is_zone_clause(const char *at) {
  char words[MAX_NAME];
  const char *end = read_words(at, words);
  return end && !*end &&
         (strcmp(words, "with time zone") == 0 || strcmp(words, "without time zone") == 0);
}

// Words, digits and commas in parentheses, as in "geometry(Point,4326)". Returns the end, or NULL.
static const char *skip_modifiers(const char *at) {
  if (*at != '(')
    return at;
  const char *start = ++at;
  while (is_name_start(*at) || is_digit(*at) || *at == ',' || *at == ' ' || *at == '-')
    at++;
  return *at == ')' && at > start ? skip_space(at + 1) : NULL;
}

static const char *skip_brackets(const char *at) {
  while (*at == '[') {
    at = skip_space(at + 1);
    while (is_digit(*at))
      at++;
    at = skip_space(at);
    if (*at != ']')
      return NULL;
    at = skip_space(at + 1);
  }
  return at;
}

// Whether it has the form of a type's name: nothing else may get into the statements it is for.
static bool is_type_form(const char *at, const char *words, const char *rest) {
  const TypeKind *kind = find_kind(words);
  bool moment = kind && kind->zone_words && strcmp(words, kind->name) == 0;
  if (has_many_words(words) || (moment && *rest == '(')) {
    at = rest;
    for (const char *c = words; *c; c++)
      if (*c != ' ' && !is_name_start(*c))
        return false;
  } else {
    at = skip_identifier(skip_space(at));
    while (at && *at == '.')
      at = skip_identifier(at + 1);
    at = at ? skip_space(at) : NULL;
  }
  at = at ? skip_modifiers(at) : NULL;
  if (at && moment && is_zone_clause(at))
    return true;
  return at && !*at;
}

static bool other_type(const char *sql_name, const char *words, const char *rest, Type *out) {
  if (!rest || strlen(sql_name) >= TYPE_NAME_SIZE || !is_type_form(sql_name, words, rest))
    return false;
  *out = (Type){.kind = &type_other, .name = sql_name};
  return true;
}

// A name without brackets after it.
static bool scalar_type(const char *sql_name, const char *form, Type *out) {
  char words[MAX_NAME];
  int32_t numbers[2] = {0, 0};
  const char *rest = read_words(form, words);
  const TypeKind *kind = rest ? find_kind(words) : NULL;
  if (!kind)
    return other_type(sql_name, words, rest, out);
  Type type = {.kind = kind, .length = kind->length};
  int count = *rest ? read_numbers(rest, numbers) : 0;
  if (count > 0 && has_seconds_precision(kind, numbers, count))
    return other_type(sql_name, words, rest, out);
  if (*rest && !set_numbers(&type, numbers, count))
    return kind->zone_words && count == 0 && other_type(sql_name, words, rest, out);
  *out = type;
  return true;
}

// "bigint[]", "varchar(5)[3][]": of a scalar type of ours, whose brackets begin at `bracket`.
static bool array_type(const char *sql_name, const char *bracket, Type *out) {
  char base[MAX_NAME];
  size_t len = (size_t)(bracket - sql_name);
  if (len >= sizeof base)
    return false;
  memcpy(base, sql_name, len);
  base[len] = 0;
  Type type;
  const char *end = skip_brackets(bracket);
  if (!end || *end || !scalar_type(base, base, &type))
    return false;
  if (type.kind == &type_other) {
    *out = (Type){.kind = &type_other, .name = sql_name};
    return strlen(sql_name) < TYPE_NAME_SIZE;
  }
  type.element = type.kind;
  type.kind = &type_array;
  *out = type;
  return true;
}

bool type_from_name(const char *sql_name, Type *out) {
  const char *quote = strrchr(sql_name, '"');
  const char *bracket = strchr(quote ? quote : sql_name, '[');
  if (bracket)
    return array_type(sql_name, bracket, out);
  return scalar_type(sql_name, sql_name, out);
}
