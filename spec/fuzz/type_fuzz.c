// Types: every kind reads any text without harm; what it takes is encoded well, and written down in
// the canonical way is read as the same bytes.
//
// The first byte chooses the kind, or that the text is the name of a type; two more the numbers of
// varchar(n) and numeric(p,s). The text is two values, split at the byte 0x1f.
#include "fuzz.h"
#include "fuzz_value.h"
#include "rules/text.h"

enum { KINDS = TYPE_JSONB + 1, SEPARATOR = 0x1f };

static Buffer scratch, field;

static Type make_type(FuzzInput *input) {
  Type type = {.kind = fuzz_byte(input) % KINDS};
  uint8_t first = fuzz_byte(input), second = fuzz_byte(input);
  if (type.kind == TYPE_VARCHAR)
    type.length = first;
  if (type.kind == TYPE_NUMERIC && first) {
    type.precision = first;
    type.scale = (int8_t)second;
  }
  return type;
}

static void check_name(const char *sql_name) {
  Type type, again;
  char name[64];
  if (!type_from_name(sql_name, &type))
    return;
  type_name(&type, name, sizeof name);
  fuzz_check(type_from_name(name, &again), "a type's name is none");
  fuzz_check(type.kind == again.kind && type.length == again.length, "a name means another type");
  fuzz_check(type.precision == again.precision && type.scale == again.scale,
             "a name means another numeric");
}

static bool read_value(const Type *type, const char *text, size_t len, Value *value) {
  const char *reason = NULL;
  if (type_parse(type, text, len, &scratch, value, &reason)) {
    fuzz_check(!value->null, "a value that is null");
    return true;
  }
  fuzz_check(reason && *reason, "no reason");
  return false;
}

// The server takes any text that the reader lets through.
static void check_text_kinds(const Type *type, const char *text, size_t len, const Value *value) {
  if (type->kind == TYPE_TEXT || type->kind == TYPE_VARCHAR) {
    fuzz_check(value->len <= len && memcmp(type_bytes(value, &scratch), text, value->len) == 0,
               "text is another");
    for (size_t i = value->len; i < len; i++)
      fuzz_check(type->kind == TYPE_VARCHAR && text[i] == ' ', "text was cut");
    if (type->kind == TYPE_VARCHAR && type->length)
      fuzz_check(text_characters(text, value->len) <= (size_t)type->length, "too many characters");
  }
  if (type->kind == TYPE_JSON || type->kind == TYPE_JSONB)
    fuzz_check(value->len <= len, "json has grown");
}

static void check_value(const Type *type, const char *text, size_t len, const Value *value) {
  check_text_kinds(type, text, len, value);
  fuzz_check(type_compare(type, value, value, &scratch) == 0, "a value differs from itself");
  buffer_clear(&field);
  type_encode(type, value, &scratch, &field);
  fuzz_check_field(type, value, &field);
  fuzz_check_canonical(type, value, &field);
}

static void check_values(const Type *type, const char *text, size_t len) {
  const char *split = memchr(text, SEPARATOR, len);
  size_t first_len = split ? (size_t)(split - text) : len;
  size_t second_len = split ? len - first_len - 1 : 0;
  char *first = fuzz_copy(text, first_len),
       *second = fuzz_copy(text + len - second_len, second_len);
  Value a, b;
  buffer_clear(&scratch);
  buffer_put(&scratch, "#", 1); // values do not start at an even place
  bool has_a = read_value(type, first, first_len, &a);
  bool has_b = read_value(type, second, second_len, &b);
  if (has_a)
    check_value(type, first, first_len, &a);
  if (has_b)
    check_value(type, second, second_len, &b);
  if (has_a && has_b)
    fuzz_check(type_compare(type, &a, &b, &scratch) == -type_compare(type, &b, &a, &scratch),
               "an order that depends on the side");
  free(first);
  free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  FuzzInput input = {data, size};
  bool is_name = size > 0 && data[0] == UINT8_MAX;
  Type type = make_type(&input);
  size_t len = input.left;
  char *text = fuzz_text(&input);
  if (is_name)
    check_name(text);
  else
    check_values(&type, text, len);
  free(text);
  return 0;
}
