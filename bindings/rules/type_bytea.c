// bytea: hexadecimal digits after "\x", or the escape format, to bytes.
//
// As byteain of PostgreSQL's src/backend/utils/adt/varlena.c and hex_decode of encode.c read them.
#include "rules/type_tools.h"

static bool is_skipped(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

// White space may be between pairs of digits, not within one. Returns the bytes written, or
// SIZE_MAX.
static size_t read_hex(const char *at, const char *end, unsigned char *out) {
  size_t count = 0;
  while (at < end) {
    if (is_skipped(*at)) {
      at++;
      continue;
    }
    int high = hex_value(*at);
    int low = end - at >= 2 ? hex_value(at[1]) : -1;
    if (high < 0 || low < 0)
      return SIZE_MAX;
    out[count++] = (unsigned char)(high << 4 | low);
    at += 2;
  }
  return count;
}

static bool is_octal(char c, char most) {
  return c >= '0' && c <= most;
}

// A backslash comes before another one, or before three octal digits. Returns as read_hex.
static size_t read_escaped(const char *at, const char *end, unsigned char *out) {
  size_t count = 0;
  while (at < end) {
    if (*at != '\\') {
      out[count++] = (unsigned char)*at++;
    } else if (end - at >= 4 && is_octal(at[1], '3') && is_octal(at[2], '7') &&
               is_octal(at[3], '7')) {
      out[count++] = (unsigned char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0'));
      at += 4;
    } else if (end - at >= 2 && at[1] == '\\') {
      out[count++] = '\\';
      at += 2;
    } else {
      return SIZE_MAX;
    }
  }
  return count;
}

static bool parse_bytea(const Type *type, const char *text, size_t len, Buffer *scratch,
                        Value *value, const char **reason) {
  const char *end = text + len;
  *reason = "out of memory";
  if (!buffer_reserve(scratch, len + 1))
    return false;
  unsigned char *out = (unsigned char *)scratch->data + scratch->len;
  bool hex = len >= 2 && text[0] == '\\' && text[1] == 'x';
  size_t count = hex ? read_hex(text + 2, end, out) : read_escaped(text, end, out);
  *reason = type->kind->refusal;
  if (count == SIZE_MAX)
    return false;
  value->bytes = NULL;
  value->integer = (int64_t)scratch->len;
  value->len = (uint32_t)count;
  scratch->len += count;
  return true;
}

static const TypeKind bytea_type = {
    .complete = true,
    .name = "bytea",
    .oid = 17,
    .parse = parse_bytea,
    .compare = compare_bytes,
    .refusal = "not a bytea",
};

const TypeKind *const bytea_types[] = {&bytea_type, NULL};
