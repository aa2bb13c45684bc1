// text, varchar, char, enums and types by name: the value is the text, or part of it.
#include "rules/type_tools.h"

static bool keep_text(const char *text, size_t len, Value *value) {
  value->bytes = text;
  value->len = (uint32_t)len;
  return true;
}

static bool parse_text(const Type *type, const char *text, size_t len, Buffer *scratch,
                       Value *value, const char **reason) {
  (void)type, (void)scratch, (void)reason;
  return keep_text(text, len, value);
}

// The byte after the first `count` characters, or `end` when there are fewer.
static const char *skip_characters(const char *at, const char *end, int32_t count) {
  for (; at < end; at++) {
    bool starts = ((unsigned char)*at & 0xC0) != 0x80;
    if (starts && count-- == 0)
      break;
  }
  return at;
}

static bool parse_varchar(const Type *type, const char *text, size_t len, Buffer *scratch,
                          Value *value, const char **reason) {
  (void)scratch;
  if (type->length == 0 || len <= (size_t)type->length)
    return keep_text(text, len, value);
  const char *end = text + len;
  const char *cut = skip_characters(text, end, type->length);
  for (const char *at = cut; at < end; at++)
    if (*at != ' ')
      return refuse("too long", reason);
  return keep_text(text, (size_t)(cut - text), value);
}

// Blanks at the end are never part of a char(n): the server puts them there.
static bool parse_char(const Type *type, const char *text, size_t len, Buffer *scratch,
                       Value *value, const char **reason) {
  while (len > 0 && text[len - 1] == ' ')
    len--;
  return parse_varchar(type, text, len, scratch, value, reason);
}

static bool parse_enum(const Type *type, const char *text, size_t len, Buffer *scratch,
                       Value *value, const char **reason) {
  (void)scratch;
  for (uint32_t i = 0; i < type->label_count; i++) {
    const Label *label = &type->labels[i];
    if (label->len != len || memcmp(label->text, text, len) != 0)
      continue;
    value->integer = i;
    return keep_text(label->text, len, value);
  }
  return refuse("not a label", reason);
}

int compare_bytes(const Value *a, const Value *b, const Buffer *scratch) {
  uint32_t common = a->len < b->len ? a->len : b->len;
  int order = common ? memcmp(type_bytes(a, scratch), type_bytes(b, scratch), common) : 0;
  if (order == 0)
    return (a->len > b->len) - (a->len < b->len);
  return order < 0 ? -1 : 1;
}

const TypeKind type_text = {
    .complete = true,
    .name = "text",
    .oid = 25,
    .parse = parse_text,
    .compare = compare_bytes,
    .family = "text",
    .keeps_text = true,
};

static const TypeKind varchar_type = {
    .complete = true,
    .name = "varchar",
    .aliases = {"character varying"},
    .oid = 1043,
    .parse = parse_varchar,
    .compare = compare_bytes,
    .family = "text",
    .parameter = PARAMETER_LENGTH,
    .keeps_text = true,
    .shortens_text = true,
};

static const TypeKind char_type = {
    .complete = true,
    .name = "char",
    .aliases = {"character"},
    .oid = 1042,
    .parse = parse_char,
    .compare = compare_bytes,
    .length = 1,
    .parameter = PARAMETER_LENGTH,
    .keeps_text = true,
    .shortens_text = true,
};

// Enums have an order each of their own: by `integer`, the label's place.
const TypeKind type_enum = {
    .complete = true,
    .parse = parse_enum,
    .compare = compare_integers,
    .family = "", // not even with itself
    .parameter = PARAMETER_OTHER,
};

// Only the server knows what it means.
const TypeKind type_other = {
    .complete = true,
    .parse = parse_text,
    .compare = compare_bytes,
    .parameter = PARAMETER_OTHER,
    .unordered = true,
};

const TypeKind *const character_types[] = {&type_text, &varchar_type, &char_type, NULL};
