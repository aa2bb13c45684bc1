// uuid: 32 hexadecimal digits in all the server's spellings, to 16 bytes.
#include "rules/type_tools.h"

enum { UUID_BYTES = 16 };

// Reads digits with a hyphen allowed after each group of four; the last group has none.
static bool read_uuid(const char *at, const char *end, unsigned char *bytes) {
  for (int i = 0; i < UUID_BYTES; i++) {
    int high = end - at >= 2 ? hex_value(at[0]) : -1;
    int low = end - at >= 2 ? hex_value(at[1]) : -1;
    if (high < 0 || low < 0)
      return false;
    bytes[i] = (unsigned char)(high << 4 | low);
    at += 2;
    if (i % 2 == 1 && i < UUID_BYTES - 1 && at < end && *at == '-')
      at++;
  }
  return at == end;
}

static bool parse_uuid(const Type *type, const char *text, size_t len, Buffer *scratch,
                       Value *value, const char **reason) {
  unsigned char bytes[UUID_BYTES];
  bool braces = len >= 2 && text[0] == '{' && text[len - 1] == '}';
  *reason = type->kind->refusal;
  if (!read_uuid(text + braces, text + len - braces, bytes))
    return false;
  return store_bytes(scratch, bytes, UUID_BYTES, value, reason);
}

const TypeKind type_uuid = {
    .complete = true,
    .name = "uuid",
    .oid = 2950,
    .parse = parse_uuid,
    .compare = compare_bytes,
    .refusal = "not a uuid",
};

const TypeKind *const uuid_types[] = {&type_uuid, NULL};
