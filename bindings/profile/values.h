// The distinct values of a column with their counts, while there are few.
//
// Whether there are few depends on the values alone, not on their order: when their number or total
// length exceeds the limit, all counts are discarded and `many` is set.
#ifndef PGHOST_PROFILE_VALUES_H
#define PGHOST_PROFILE_VALUES_H

#include "base/buffer.h"

enum {
  VALUES_TEXT = 16 * 1024, // bytes of all texts together
  VALUES_RECENT = 32,
};

typedef struct DifferentValue {
  uint64_t hash;
  uint64_t count; // 0: a free slot
  int64_t number; // of a number; of a text where its bytes are in `text`
  uint32_t len;
} DifferentValue;

typedef struct Values {
  DifferentValue *slots; // open addressing
  uint32_t size;         // of slots, a power of two
  uint32_t count;
  uint32_t limit; // more values are many
  bool many;
  bool failed; // out of memory
  Buffer text;
  uint16_t recent[VALUES_RECENT]; // slots of the latest values, by values_key
} Values;

void values_init(Values *values, uint32_t limit);
void values_free(Values *values);

// Adds a value that comes `count` times: a number (`bytes` NULL), or bytes. False: too many values,
// or out of memory; nothing has changed.
bool values_add(Values *values, uint64_t hash, int64_t number, const char *bytes, uint32_t len,
                uint64_t count);

static inline bool same_bytes(const char *a, const char *b, size_t len) {
  uint64_t left, right;
  if (len < sizeof left)
    return memcmp(a, b, len) == 0;
  for (size_t i = 0; i + sizeof left < len; i += sizeof left) {
    memcpy(&left, a + i, sizeof left);
    memcpy(&right, b + i, sizeof right);
    if (left != right)
      return false;
  }
  memcpy(&left, a + len - sizeof left, sizeof left);
  memcpy(&right, b + len - sizeof right, sizeof right);
  return left == right;
}

static inline bool values_is(const Values *values, const DifferentValue *slot, int64_t number,
                             const char *bytes, uint32_t len) {
  if (!bytes)
    return slot->number == number;
  return slot->len == len && (len == 0 || same_bytes(values->text.data + slot->number, bytes, len));
}

// The place of a value among the recent ones; cheaper than its hash.
static inline uint32_t values_key(int64_t number, const char *bytes, uint32_t len) {
  if (!bytes)
    return (uint32_t)((uint64_t)number * UINT64_C(0xe7037ed1a0b428db) >> 59);
  uint32_t ends = len > 0 ? (unsigned char)bytes[0] * 7u + (unsigned char)bytes[len - 1] * 3u : 0;
  return (ends + len) % VALUES_RECENT;
}

// Counts the value if it is a recent one, as most values of columns with few distinct ones are.
// Others need their hash only after this.
static inline bool values_add_recent(Values *values, int64_t number, const char *bytes,
                                     uint32_t len) {
  if (values->size == 0)
    return false;
  DifferentValue *slot = &values->slots[values->recent[values_key(number, bytes, len)]];
  if (slot->count == 0 || !values_is(values, slot, number, bytes, len))
    return false;
  slot->count++;
  return true;
}

#endif
