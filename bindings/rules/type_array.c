// Arrays: PostgreSQL's array literal to its binary form, element by element.
//
// Source: PostgreSQL manual, Arrays, "Array Input and Output Syntax"; array_send of
// src/backend/utils/adt/arrayfuncs.c. What is refused is listed in type.h.
#include <stdio.h>

#include "rules/type_tools.h"

enum {
  MAX_DIMENSIONS = 6, // MAXDIM
  HEADER = 12,        // dimensions, whether there are nulls, the element's type
  PER_DIMENSION = 8,  // size, lower bound
  MAX_ESCAPED = 256,  // bytes of a quoted number or date with backslashes in it
};

typedef struct Literal {
  Type element;
  const char *at;
  const char *end;
  Buffer *scratch; // the binary form grows at its end
  const char **reason;
  int dimensions;
  int64_t sizes[MAX_DIMENSIONS]; // -1: not known yet
  int32_t lower[MAX_DIMENSIONS]; // bounds
  bool has_null;
} Literal;

static void skip_space(Literal *literal) {
  while (literal->at < literal->end && is_space(*literal->at))
    literal->at++;
}

static bool at_byte(const Literal *literal, char c) {
  return literal->at < literal->end && *literal->at == c;
}

// Makes a field of bytes that are in the scratch at `at`, after `start`, where the field begins.
static bool move_field(Literal *literal, size_t start, size_t at, uint32_t len) {
  Buffer *scratch = literal->scratch;
  uint32_t version = literal->element.kind->form == VALUE_VERSIONED;
  if (!buffer_reserve(scratch, sizeof len + version + len))
    return false;
  char *field = scratch->data + start;
  memmove(field + sizeof len + version, scratch->data + at, len);
  write_be32((unsigned char *)field, len + version);
  if (version)
    field[sizeof len] = 1;
  scratch->len = start + sizeof len + version + len;
  return true;
}

// Parses an element's text, which is not in the scratch, and appends its field.
static bool put_element(Literal *literal, const char *text, size_t len) {
  Buffer *scratch = literal->scratch;
  size_t start = scratch->len;
  Value value;
  if (!type_parse(&literal->element, text, len, scratch, &value, literal->reason))
    return false;
  *literal->reason = "out of memory";
  if (type_has_bytes(literal->element.kind) && !value.bytes)
    return move_field(literal, start, (size_t)value.integer, value.len);
  type_encode(&literal->element, &value, scratch, scratch);
  return !scratch->failed;
}

static size_t unescape(const char *at, const char *end, char *out) {
  size_t len = 0;
  for (; at < end; at++) {
    at += *at == '\\';
    out[len++] = *at;
  }
  return len;
}

// The same for a quoted text with backslashes. Text that is the value is put where the field goes.
static bool put_escaped(Literal *literal, const char *text, size_t len) {
  Buffer *scratch = literal->scratch;
  size_t start = scratch->len;
  char local[MAX_ESCAPED];
  Value value;
  if (!literal->element.kind->keeps_text)
    return len <= sizeof local && put_element(literal, local, unescape(text, text + len, local));
  *literal->reason = "out of memory";
  if (!buffer_reserve(scratch, len + 1))
    return false;
  char *plain = scratch->data + start;
  size_t plain_len = unescape(text, text + len, plain);
  if (!type_parse(&literal->element, plain, plain_len, scratch, &value, literal->reason))
    return false;
  *literal->reason = "out of memory";
  size_t at = (size_t)(value.bytes - scratch->data);
  scratch->len += plain_len;
  return move_field(literal, start, at, value.len);
}

static bool read_quoted(Literal *literal) {
  const char *start = ++literal->at;
  bool escaped = false;
  while (literal->at < literal->end && *literal->at != '"') {
    bool backslash = *literal->at == '\\';
    escaped = escaped || backslash;
    literal->at += 1 + backslash;
  }
  if (literal->at >= literal->end)
    return false;
  size_t len = (size_t)(literal->at++ - start);
  return escaped ? put_escaped(literal, start, len) : put_element(literal, start, len);
}

static bool is_special(char c) {
  return c == '"' || c == '\\' || c == '{' || c == '}' || c == ',';
}

// Up to a brace or comma, without blanks around it; a backslash lets its next character be any.
static bool read_unquoted(Literal *literal) {
  const char *start = literal->at, *end = start;
  bool escaped = false;
  while (literal->at < literal->end && (*literal->at == '\\' || !is_special(*literal->at))) {
    bool backslash = *literal->at == '\\';
    bool space = is_space(*literal->at);
    escaped = escaped || backslash;
    literal->at += 1 + backslash;
    end = space ? end : literal->at;
  }
  if (end == start || literal->at >= literal->end)
    return false;
  if (escaped)
    return put_escaped(literal, start, (size_t)(end - start));
  if (!is_word(start, end, "null"))
    return put_element(literal, start, (size_t)(end - start));
  literal->has_null = true;
  buffer_put_u32(literal->scratch, UINT32_MAX);
  return !literal->scratch->failed;
}

// Reads one pair of braces; all of a level must hold the same number of things.
static bool read_level(Literal *literal, int level) {
  static const char syntax[] = "bad syntax";
  int64_t count = 0;
  do {
    literal->at++; // the brace or comma
    skip_space(literal);
    *literal->reason = syntax;
    bool nested = level + 1 < literal->dimensions;
    if (nested != at_byte(literal, '{'))
      return false;
    if (!(nested                  ? read_level(literal, level + 1)
          : at_byte(literal, '"') ? read_quoted(literal)
                                  : read_unquoted(literal)))
      return false;
    *literal->reason = syntax;
    count++;
    skip_space(literal);
  } while (at_byte(literal, ','));
  if (!at_byte(literal, '}'))
    return false;
  literal->at++;
  *literal->reason = "parts of different sizes";
  if (literal->sizes[level] < 0)
    literal->sizes[level] = count;
  return literal->sizes[level] == count;
}

// How many braces open the literal.
static int count_dimensions(const char *at, const char *end) {
  int count = 0;
  for (; at < end && (*at == '{' || is_space(*at)); at++)
    count += *at == '{';
  return count;
}

static bool is_empty(const char *at, const char *end) {
  const char *inside = at + 1;
  while (inside < end && is_space(*inside))
    inside++;
  return end - inside == 1 && *at == '{' && *inside == '}';
}

static void write_header(const Literal *literal, size_t start) {
  unsigned char *out = (unsigned char *)literal->scratch->data + start;
  write_be32(out, (uint32_t)literal->dimensions);
  write_be32(out + 4, literal->has_null);
  write_be32(out + 8, literal->element.kind->oid);
  for (int i = 0; i < literal->dimensions; i++) {
    write_be32(out + HEADER + PER_DIMENSION * i, (uint32_t)literal->sizes[i]);
    write_be32(out + HEADER + PER_DIMENSION * i + 4, (uint32_t)literal->lower[i]);
  }
}

static bool read_bound(Literal *literal, int64_t *bound) {
  bool minus = at_byte(literal, '-');
  literal->at += minus || at_byte(literal, '+');
  const char *start = literal->at;
  for (*bound = 0; literal->at < literal->end && is_digit(*literal->at); literal->at++)
    *bound = *bound > INT32_MAX ? *bound : *bound * 10 + (*literal->at - '0');
  *bound = minus ? -*bound : *bound;
  return literal->at > start && *bound > INT32_MIN && *bound < INT32_MAX;
}

// "[2:3][5]=" before the braces: lower and upper bounds. May be absent.
static bool read_bounds(Literal *literal) {
  int level = 0;
  int64_t lower, upper;
  for (; at_byte(literal, '['); level++) {
    literal->at++;
    lower = 1;
    if (level == MAX_DIMENSIONS || !read_bound(literal, &upper))
      return false;
    if (at_byte(literal, ':')) {
      literal->at++;
      lower = upper;
      if (!read_bound(literal, &upper))
        return false;
    }
    if (!at_byte(literal, ']') || upper < lower)
      return false;
    literal->at++;
    literal->lower[level] = (int32_t)lower;
    literal->sizes[level] = upper - lower + 1;
  }
  literal->dimensions = level;
  if (level > 0 && !at_byte(literal, '='))
    return false;
  literal->at += level > 0;
  return true;
}

// The contents of the braces, with or without bounds before them.
static bool read_contents(Literal *literal) {
  bool empty = is_empty(literal->at, literal->end);
  int announced = literal->dimensions;
  literal->dimensions = empty ? 0 : count_dimensions(literal->at, literal->end);
  if (literal->dimensions > MAX_DIMENSIONS || (announced > 0 && announced != literal->dimensions))
    return false;
  size_t header = HEADER + PER_DIMENSION * (size_t)literal->dimensions;
  if (!buffer_reserve(literal->scratch, header))
    return false;
  literal->scratch->len += header;
  return empty || (read_level(literal, 0) && literal->at == literal->end);
}

static bool parse_array(const Type *type, const char *text, size_t len, Buffer *scratch,
                        Value *value, const char **reason) {
  Literal literal = {.element = *type,
                     .at = text,
                     .end = text + len,
                     .scratch = scratch,
                     .reason = reason,
                     .lower = {1, 1, 1, 1, 1, 1}};
  literal.element.kind = type->element;
  trim_space(&literal.at, &literal.end);
  memset(literal.sizes, -1, sizeof literal.sizes);
  *reason = "bad syntax";
  size_t start = scratch->len;
  if (!read_bounds(&literal) || !at_byte(&literal, '{') || !read_contents(&literal))
    return false;
  write_header(&literal, start);
  value->bytes = NULL;
  value->integer = (int64_t)start;
  value->len = (uint32_t)(scratch->len - start);
  return true;
}

// An array of such values, read from its binary form, which has no text of any zone.
typedef struct ZonedArray {
  const Type *type;
  const char *at; // the next field
  uint32_t dimensions;
  const char *header;
} ZonedArray;

static uint32_t dimension_size(const ZonedArray *array, uint32_t level) {
  return read_be32(array->header + HEADER + PER_DIMENSION * level);
}

// "[2:3]=" where a lower bound is not 1.
static void put_bounds(const ZonedArray *array, Buffer *out) {
  char text[32];
  bool usual = true;
  for (uint32_t i = 0; i < array->dimensions; i++)
    usual = usual && read_be32(array->header + HEADER + PER_DIMENSION * i + 4) == 1;
  for (uint32_t i = 0; !usual && i < array->dimensions; i++) {
    int32_t lower = (int32_t)read_be32(array->header + HEADER + PER_DIMENSION * i + 4);
    int32_t upper = (int32_t)((int64_t)lower + dimension_size(array, i) - 1);
    int len = snprintf(text, sizeof text, "[%d:%d]", (int)lower, (int)upper);
    buffer_put(out, text, (size_t)len);
  }
  if (!usual)
    buffer_put_u8(out, '=');
}

// An element's own writer gets it as parse_array found it: as bytes, or as a number of eight.
static void write_element(const ZonedArray *array, uint32_t len, Buffer *out) {
  const Type element = {.kind = array->type->element};
  Value value = {.bytes = array->at, .len = len};
  if (element.kind->form == VALUE_INTEGER)
    value.integer = (int64_t)read_be64(array->at);
  element.kind->write(&element, &value, NULL, 0, NULL, out);
}

static void put_array_element(ZonedArray *array, Buffer *out) {
  uint32_t len = read_be32(array->at);
  array->at += sizeof len;
  if (len == UINT32_MAX) {
    buffer_put(out, "NULL", 4);
    return;
  }
  buffer_put_u8(out, '"');
  write_element(array, len, out);
  buffer_put_u8(out, '"');
  array->at += len;
}

static void put_array_level(ZonedArray *array, uint32_t level, Buffer *out) {
  buffer_put_u8(out, '{');
  uint32_t size = level < array->dimensions ? dimension_size(array, level) : 0;
  for (uint32_t i = 0; i < size; i++) {
    if (i > 0)
      buffer_put_u8(out, ',');
    if (level + 1 < array->dimensions)
      put_array_level(array, level + 1, out);
    else
      put_array_element(array, out);
  }
  buffer_put_u8(out, '}');
}

static void write_array(const Type *type, const Value *value, const char *text, size_t len,
                        const Buffer *scratch, Buffer *out) {
  if (!type->element->is_zoned) {
    put_copy_text(text, len, out);
    return;
  }
  const char *bytes = type_bytes(value, scratch);
  ZonedArray array = {.type = type, .header = bytes, .dimensions = read_be32(bytes)};
  array.at = bytes + HEADER + PER_DIMENSION * array.dimensions;
  put_bounds(&array, out);
  put_array_level(&array, 0, out);
}

const TypeKind type_array = {
    .parse = parse_array,
    .compare = compare_bytes,
    .write = write_array,
    .parameter = PARAMETER_OTHER,
    .unordered = true,
};
