// Growth and release of Buffer; everything that is called per field is inline in the header.
#include "base/buffer.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 256 };

bool buffer_reserve_slow(Buffer *buffer, size_t more) {
  if (buffer->failed)
    return false;
  size_t cap = buffer->cap ? buffer->cap : FIRST_CAPACITY;
  while (cap - buffer->len < more && cap <= SIZE_MAX / 2)
    cap *= 2;
  char *data = cap - buffer->len < more ? NULL : realloc(buffer->data, cap);
  if (!data) {
    buffer->failed = true;
    return false;
  }
  buffer->data = data;
  buffer->cap = cap;
  return true;
}

void buffer_free(Buffer *buffer) {
  free(buffer->data);
  *buffer = (Buffer){0};
}

void buffer_trim(Buffer *buffer, size_t most) {
  if (buffer->len == 0 && buffer->cap > most)
    buffer_free(buffer);
}
