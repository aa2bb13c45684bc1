// A growable byte buffer with one owner.
//
// Writers never check for memory on each put: a failed growth sets `failed`, further puts are
// dropped, and the owner looks at `failed` once per record or batch. Not for text formatting.
#ifndef PGHOST_BASE_BUFFER_H
#define PGHOST_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct Buffer {
  char *data; // NULL while cap is 0
  size_t len;
  size_t cap;
  bool failed; // out of memory; sticky until buffer_clear
} Buffer;

// Makes room for `more` bytes after len. Returns false and sets failed when out of memory.
bool buffer_reserve_slow(Buffer *buffer, size_t more);

// Frees the memory; the buffer can be used again.
void buffer_free(Buffer *buffer);

// Frees the memory of an empty buffer if its capacity exceeds `most` bytes.
void buffer_trim(Buffer *buffer, size_t most);

static inline bool buffer_reserve(Buffer *buffer, size_t more) {
  return buffer->cap - buffer->len >= more || buffer_reserve_slow(buffer, more);
}

// Empties the buffer and keeps its memory.
static inline void buffer_clear(Buffer *buffer) {
  buffer->len = 0;
  buffer->failed = false;
}

static inline void buffer_put(Buffer *buffer, const void *bytes, size_t len) {
  if (len == 0 || !buffer_reserve(buffer, len))
    return;
  memcpy(buffer->data + buffer->len, bytes, len);
  buffer->len += len;
}

// Integers go out in network byte order, as the PostgreSQL protocol wants them.
static inline void buffer_put_u8(Buffer *buffer, uint8_t value) {
  buffer_put(buffer, &value, 1);
}

static inline void buffer_put_u16(Buffer *buffer, uint16_t value) {
  value = __builtin_bswap16(value);
  buffer_put(buffer, &value, sizeof value);
}

static inline void buffer_put_u32(Buffer *buffer, uint32_t value) {
  value = __builtin_bswap32(value);
  buffer_put(buffer, &value, sizeof value);
}

static inline void buffer_put_u64(Buffer *buffer, uint64_t value) {
  value = __builtin_bswap64(value);
  buffer_put(buffer, &value, sizeof value);
}

#endif
