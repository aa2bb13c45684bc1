// Types: which parser reads which kind, the kinds that need little reading, and the order of
// values.
//
// Names are in type_name.c, fields of text COPY in type_text.c; the parsers of numbers, dates, json
// and the like each in a file of theirs.
#include "rules/type_parse.h"

static bool parse_text(const char *text, size_t len, Value *value) {
  value->bytes = text;
  value->len = (uint32_t)len;
  return true;
}

// The byte behind the first `count` characters, or `end` when there are fewer.
static const char *skip_characters(const char *at, const char *end, int32_t count) {
  for (; at < end; at++) {
    bool starts = ((unsigned char)*at & 0xC0) != 0x80;
    if (starts && count-- == 0)
      break;
  }
  return at;
}

static bool parse_varchar(const Type *type, const char *text, size_t len, Value *value,
                          const char **reason) {
  if (type->length == 0 || len <= (size_t)type->length)
    return parse_text(text, len, value);
  const char *end = text + len;
  const char *cut = skip_characters(text, end, type->length);
  for (const char *at = cut; at < end; at++) {
    if (*at != ' ') {
      *reason = "too long";
      return false;
    }
  }
  return parse_text(text, (size_t)(cut - text), value);
}

// Blanks at the end are never part of a char(n): the server puts them there.
static bool parse_char(const Type *type, const char *text, size_t len, Value *value,
                       const char **reason) {
  while (len > 0 && text[len - 1] == ' ')
    len--;
  return parse_varchar(type, text, len, value, reason);
}

static bool parse_enum(const Type *type, const char *text, size_t len, Value *value,
                       const char **reason) {
  *reason = "not a label";
  for (uint32_t i = 0; i < type->label_count; i++) {
    const Label *label = &type->labels[i];
    if (label->len != len || memcmp(label->text, text, len) != 0)
      continue;
    value->integer = i;
    return parse_text(label->text, len, value);
  }
  return false;
}

// True and false are told apart by the length first.
static int read_boolean(const char *at, const char *end) {
  switch (end - at) {
  case 1:
    return *at == '1' || (*at | 0x20) == 't' ? 1 : *at == '0' || (*at | 0x20) == 'f' ? 0 : -1;
  case 2:
    return is_word(at, end, "no") ? 0 : -1;
  case 3:
    return is_word(at, end, "yes") ? 1 : -1;
  case 4:
    return is_word(at, end, "true") ? 1 : -1;
  case 5:
    return is_word(at, end, "false") ? 0 : -1;
  default:
    return -1;
  }
}

static bool parse_boolean(const char *text, size_t len, Value *value, const char **reason) {
  const char *at = text;
  const char *end = text + len;
  trim_space(&at, &end);
  int truth = read_boolean(at, end);
  *reason = "not a boolean";
  value->integer = truth;
  return truth >= 0;
}

bool type_parse(const Type *type, const char *text, size_t len, Buffer *scratch, Value *value,
                const char **reason) {
  value->null = false;
  switch (type->kind) {
  case TYPE_TEXT:
    return parse_text(text, len, value);
  case TYPE_VARCHAR:
    return parse_varchar(type, text, len, value, reason);
  case TYPE_SMALLINT:
  case TYPE_INTEGER:
  case TYPE_BIGINT:
    return parse_integer(type, text, len, value, reason);
  case TYPE_NUMERIC:
    return parse_numeric(type, text, len, scratch, value, reason);
  case TYPE_REAL:
  case TYPE_DOUBLE:
    return parse_float(type, text, len, scratch, value, reason);
  case TYPE_BOOLEAN:
    return parse_boolean(text, len, value, reason);
  case TYPE_DATE:
  case TYPE_TIME:
  case TYPE_TIMESTAMP:
  case TYPE_TIMESTAMPTZ:
    return parse_datetime(type, text, len, value, reason);
  case TYPE_UUID:
    return parse_uuid(text, len, scratch, value, reason);
  case TYPE_JSON:
  case TYPE_JSONB:
    return parse_json(type, text, len, value, reason);
  case TYPE_TIMETZ:
    return parse_timetz(text, len, scratch, value, reason);
  case TYPE_INTERVAL:
    return parse_interval(text, len, scratch, value, reason);
  case TYPE_INET:
  case TYPE_CIDR:
    return parse_inet(type, text, len, scratch, value, reason);
  case TYPE_BYTEA:
    return parse_bytea(text, len, scratch, value, reason);
  case TYPE_CHAR:
    return parse_char(type, text, len, value, reason);
  case TYPE_ENUM:
    return parse_enum(type, text, len, value, reason);
  case TYPE_ARRAY:
    return parse_array(type, text, len, scratch, value, reason);
  case TYPE_OTHER:
    return parse_text(text, len, value);
  }
  *reason = "not a type";
  return false;
}

static int compare_bytes(const Value *a, const Value *b, const Buffer *scratch) {
  uint32_t common = a->len < b->len ? a->len : b->len;
  int order = common ? memcmp(type_bytes(a, scratch), type_bytes(b, scratch), common) : 0;
  if (order == 0)
    return (a->len > b->len) - (a->len < b->len);
  return order < 0 ? -1 : 1;
}

// NaN equals itself and is greater than all else; the two zeros are equal.
static int compare_real(double a, double b) {
  bool a_nan = a != a;
  bool b_nan = b != b;
  return a_nan || b_nan ? a_nan - b_nan : (a > b) - (a < b);
}

int type_compare(const Type *type, const Value *a, const Value *b, const Buffer *scratch) {
  switch (type->kind) {
  case TYPE_REAL:
  case TYPE_DOUBLE:
    return compare_real(a->real, b->real);
  case TYPE_NUMERIC:
    return numeric_compare(type_bytes(a, scratch), type_bytes(b, scratch));
  case TYPE_TEXT:
  case TYPE_VARCHAR:
  case TYPE_UUID:
  case TYPE_JSON:
  case TYPE_JSONB:
  case TYPE_BYTEA:
  case TYPE_CHAR:
  case TYPE_ARRAY:
  case TYPE_OTHER:
    return compare_bytes(a, b, scratch);
  case TYPE_TIMETZ:
    return timetz_compare(type_bytes(a, scratch), type_bytes(b, scratch));
  case TYPE_INTERVAL:
    return interval_compare(type_bytes(a, scratch), type_bytes(b, scratch));
  case TYPE_INET:
  case TYPE_CIDR:
    return inet_compare(type_bytes(a, scratch), type_bytes(b, scratch));
  default:
    return (a->integer > b->integer) - (a->integer < b->integer);
  }
}
