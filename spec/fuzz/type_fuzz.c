// Types: every kind reads any text without harm; what it takes is encoded well, and written down in
// the canonical way is read as the same bytes.
//
// The first byte chooses the kind, or that the text is the name of a type; two more the numbers of
// varchar(n), char(n) and numeric(p,s), or what an array is of. The text is two values, split at
// the byte 0x1f.
#define _GNU_SOURCE // memmem
#include "fuzz.h"
#include "fuzz_value.h"
#include "rules/text.h"

enum { SEPARATOR = 0x1f };

static Buffer scratch, field, copied;

static const Label labels[] = {{"a", 1}, {"b\tc", 3}};

static Type make_type(FuzzInput *input) {
  Type type = {.kind = fuzz_kind(fuzz_byte(input) % fuzz_kinds())};
  uint8_t first = fuzz_byte(input), second = fuzz_byte(input);
  fuzz_set_numbers(&type, first, second);
  if (type.kind == &type_array)
    type.element = fuzz_kind(first % FUZZ_SCALARS);
  if (type.kind == &type_enum) {
    type.labels = labels;
    type.label_count = 2;
  }
  return type;
}

static void check_name(const char *sql_name) {
  Type type, again;
  char name[TYPE_NAME_SIZE];
  if (!type_from_name(sql_name, &type))
    return;
  type_name(&type, name, sizeof name);
  fuzz_check(type_from_name(name, &again), "a type's name is none");
  fuzz_check(type.element == again.element, "a name means another array");
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
  if (type->kind->oid == OID_TEXT || type->kind->oid == OID_VARCHAR) {
    fuzz_check(value->len <= len && memcmp(type_bytes(value, &scratch), text, value->len) == 0,
               "text is another");
    for (size_t i = value->len; i < len; i++)
      fuzz_check(type->kind->oid == OID_VARCHAR && text[i] == ' ', "text was cut");
    if (type->kind->oid == OID_VARCHAR && type->length)
      fuzz_check(text_characters(text, value->len) <= (size_t)type->length, "too many characters");
  }
  if (type->kind->oid == OID_JSON || type->kind->oid == OID_JSONB)
    fuzz_check(value->len <= len, "json has grown");
}

// A field of text COPY as the server takes it apart, in place. Returns the length.
static size_t unescape(char *text, size_t len) {
  size_t out = 0;
  for (size_t i = 0; i < len; i++) {
    fuzz_check(text[i] != '\t' && text[i] != '\n' && text[i] != '\r', "a field that ends early");
    if (text[i] == '\\') {
      fuzz_check(++i < len, "a backslash at the end");
      text[i] = text[i] == 't' ? '\t' : text[i] == 'n' ? '\n' : text[i] == 'r' ? '\r' : text[i];
    }
    text[out++] = text[i];
  }
  return out;
}

// What goes out as text is the same value. Years before 1 and behind 9999, which a zone can lead
// to, are read by the server alone.
static void check_copy_text(const Type *type, const char *text, size_t len, const Value *value) {
  buffer_clear(&copied);
  type_encode_text(type, value, text, len, &scratch, &copied);
  size_t copied_len = copied.len ? unescape(copied.data, copied.len) : 0;
  const char *bytes = copied.data ? copied.data : "";
  bool far = memmem(bytes, copied_len, "BC", 2) || memmem(bytes, copied_len, "10000-01-0", 10);
  if (!far)
    fuzz_expect_field(type, bytes, copied_len, &field);
}

static void check_value(const Type *type, const char *text, size_t len, const Value *value) {
  check_text_kinds(type, text, len, value);
  fuzz_check(type_compare(type, value, value, &scratch) == 0, "a value differs from itself");
  buffer_clear(&field);
  type_encode(type, value, &scratch, &field);
  fuzz_check_field(type, value, &field);
  fuzz_check_canonical(type, value, &field);
  check_copy_text(type, text, len, value);
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
