// Fields of COPY's text format.
//
// Source: PostgreSQL manual, COPY, "Text Format".
#include "rules/type_tools.h"

static char escape_letter(char c) {
  switch (c) {
  case '\\':
    return '\\';
  case '\t':
    return 't';
  case '\n':
    return 'n';
  case '\r':
    return 'r';
  default:
    return 0;
  }
}

void put_copy_text(const char *text, size_t len, Buffer *out) {
  if (len == 0 || !buffer_reserve(out, len * 2))
    return;
  char *to = out->data + out->len;
  for (size_t i = 0; i < len; i++) {
    char letter = escape_letter(text[i]);
    if (letter)
      *to++ = '\\';
    *to++ = letter ? letter : text[i];
  }
  out->len = (size_t)(to - out->data);
}

void type_encode_text(const Type *type, const Value *value, const char *text, size_t len,
                      const Buffer *scratch, Buffer *out) {
  if (value->odd) {
    put_copy_text(text, len, out);
    return;
  }
  if (value->null)
    buffer_put(out, "\\N", 2);
  else if (type->kind->write)
    type->kind->write(type, value, text, len, scratch, out);
  else
    put_copy_text(text, len, out);
}
