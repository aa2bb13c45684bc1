// The distinct values of a column with their counts, while there are few.
//
// Whether there are few depends on the values alone, not on their order: when their number or total
// length exceeds the limit, all counts are discarded and `many` is set.
#ifndef PGHOST_PROFILE_VALUES_H
#define PGHOST_PROFILE_VALUES_H

#include "base/buffer.h"
#include "profile/hash.h"

enum {
  VALUES_TEXT = 16 * 1024, // bytes of all texts together
  VALUES_RECENT_BITS = 6,
  VALUES_RECENT = 1 << VALUES_RECENT_BITS,
};

typedef struct TextEnds {
  uint64_t first, last;
} TextEnds;

typedef struct DifferentValue {
  uint64_t hash;
  uint64_t count; // 0: a free slot
  int64_t number; // of a number; of a text where its bytes are in `text`
  uint32_t len;
  TextEnds ends; // of a text
} DifferentValue;

typedef struct Values {
  DifferentValue *slots; // open addressing
  uint32_t size;         // of slots, a power of two
  uint32_t count;
  uint32_t limit; // more values are many
  bool many;
  bool failed; // out of memory
  Buffer text;
  uint16_t recent[VALUES_RECENT]; // slots of the latest values
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
    return load_few(a, len) == load_few(b, len);
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

static inline DifferentValue *recent_value(Values *values, uint64_t key) {
  return &values->slots[values->recent[key * HASH_STEP >> (64 - VALUES_RECENT_BITS)]];
}

// The first and last bytes of a text, which are all of it up to 16.
static inline TextEnds text_ends(const char *bytes, uint32_t len) {
  if (len < sizeof(uint64_t))
    return (TextEnds){load_few(bytes, len), 0};
  return (TextEnds){load_word(bytes), load_word(bytes + len - sizeof(uint64_t))};
}

static inline uint64_t text_key(TextEnds ends, uint32_t len) {
  return ends.first * 3 + ends.last + len;
}

// Texts of one length with the same ends. Few branches: the lengths of a column's values are in no
// order that a processor could learn.
static inline bool same_middle(const char *a, const char *b, uint32_t len) {
  if (len <= 16)
    return true;
  if (len > 32)
    return same_bytes(a + 8, b + 8, len - 16);
  return ((load_word(a + 8) ^ load_word(b + 8)) |
          (load_word(a + len - 16) ^ load_word(b + len - 16))) == 0;
}

// Count the value if it is a recent one, as most values of columns with few distinct ones are.
// Others need their hash only after this.
static inline bool values_add_recent_number(Values *values, int64_t number) {
  if (values->size == 0)
    return false;
  DifferentValue *slot = recent_value(values, (uint64_t)number);
  if (slot->count == 0 || slot->number != number)
    return false;
  slot->count++;
  return true;
}

static inline bool values_add_recent_text(Values *values, const char *bytes, uint32_t len) {
  if (values->size == 0)
    return false;
  TextEnds ends = text_ends(bytes, len);
  DifferentValue *slot = recent_value(values, text_key(ends, len));
  uint64_t differing = (slot->ends.first ^ ends.first) | (slot->ends.last ^ ends.last) |
                       (slot->len ^ len) | (slot->count == 0);
  if (differing != 0 || !same_middle(values->text.data + slot->number, bytes, len))
    return false;
  slot->count++;
  return true;
}

#endif
