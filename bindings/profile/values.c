// See values.h: a hash table that grows up to its limit.
#include "profile/values.h"

#include <stdlib.h>

enum { FIRST_SIZE = 8 };

void values_init(Values *values, uint32_t limit) {
  *values = (Values){.limit = limit};
}

void values_free(Values *values) {
  free(values->slots);
  buffer_free(&values->text);
  values->slots = NULL;
  values->size = values->count = 0;
}

// The slot of the value, or the free one where it belongs.
static DifferentValue *find(const Values *values, uint64_t hash, int64_t number, const char *bytes,
                            uint32_t len) {
  uint64_t mask = values->size - 1, at = hash & mask;
  while (values->slots[at].count > 0 &&
         (values->slots[at].hash != hash ||
          !values_is(values, &values->slots[at], number, bytes, len)))
    at = (at + 1) & mask;
  return &values->slots[at];
}

static bool grow(Values *values) {
  uint32_t size = values->size > 0 ? values->size * 2 : FIRST_SIZE;
  DifferentValue *slots = calloc(size, sizeof *slots);
  if (!slots)
    return false;
  for (uint32_t i = 0; i < values->size; i++) {
    if (values->slots[i].count == 0)
      continue;
    uint64_t at = values->slots[i].hash & (size - 1);
    while (slots[at].count > 0)
      at = (at + 1) & (size - 1);
    slots[at] = values->slots[i];
  }
  free(values->slots);
  values->slots = slots;
  values->size = size;
  return true;
}

static bool has_room(Values *values, const char *bytes, uint32_t len) {
  values->many = values->count >= values->limit || (bytes && values->text.len + len > VALUES_TEXT);
  if (values->many)
    return false;
  values->failed = (values->count * 2 >= values->size && !grow(values)) ||
                   (bytes && !buffer_reserve(&values->text, len));
  return !values->failed;
}

// The next value like this one is found without its hash.
static void recent_note(Values *values, const DifferentValue *slot, bool is_text) {
  uint64_t key = is_text ? text_key(slot->ends, slot->len) : (uint64_t)slot->number;
  values->recent[key * HASH_STEP >> (64 - VALUES_RECENT_BITS)] = (uint16_t)(slot - values->slots);
}

bool values_add(Values *values, uint64_t hash, int64_t number, const char *bytes, uint32_t len,
                uint64_t count) {
  DifferentValue *slot = values->size > 0 ? find(values, hash, number, bytes, len) : NULL;
  if (!slot || slot->count == 0) {
    if (!has_room(values, bytes, len))
      return false;
    slot = find(values, hash, number, bytes, len);
    *slot = (DifferentValue){.hash = hash,
                             .number = bytes ? (int64_t)values->text.len : number,
                             .len = len,
                             .ends = bytes ? text_ends(bytes, len) : (TextEnds){0}};
    if (bytes)
      buffer_put(&values->text, bytes, len);
    values->count++;
  }
  slot->count += count;
  recent_note(values, slot, bytes != NULL);
  return true;
}
