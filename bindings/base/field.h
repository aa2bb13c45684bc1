// A field: borrowed text.
#ifndef PGHOST_BASE_FIELD_H
#define PGHOST_BASE_FIELD_H

#include <stdbool.h>
#include <stdint.h>

// Unescaped bytes, not NUL-terminated. NULL (an unquoted empty field) is distinct from '' (a quoted
// one).
typedef struct Field {
  const char *data; // never NULL; points at an empty string when null
  uint32_t len;
  bool null;
} Field;

#endif
