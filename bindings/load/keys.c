// See keys.h. A key is a tag of 32 bits in a bucket of 16, one line of the processor's cache:
// bucket and tag together are up to 64 bits of its hash. A table does not grow; the next one is
// larger, and a key is looked up in all.
#include "load/keys.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "profile/hash.h"

enum {
  BUCKET = 16,          // tags
  LEAST_KEYS = 1 << 14, // of a table
  MOST_TABLES = 24,
  FULL_PERCENT = 80, // of a table
  AHEAD = 32,        // keys whose buckets are fetched before their turn
};

typedef struct Table {
  uint32_t (*buckets)[BUCKET];
  size_t bucket_count;
  size_t room; // keys until it is full
} Table;

struct Keys {
  pthread_mutex_t lock;
  Table tables[MOST_TABLES]; // the last one gets new keys
  unsigned table_count;
  size_t memory;
  _Atomic size_t held;
  atomic_bool full;
  size_t column_count;
  uint32_t columns[];
};

Keys *keys_new(const uint32_t *columns, size_t count, size_t memory) {
  Keys *keys = calloc(1, sizeof *keys + count * sizeof *columns);
  if (!keys)
    return NULL;
  pthread_mutex_init(&keys->lock, NULL);
  keys->memory = memory;
  keys->column_count = count;
  memcpy(keys->columns, columns, count * sizeof *columns);
  return keys;
}

void keys_free(Keys *keys) {
  if (!keys)
    return;
  for (unsigned i = 0; i < keys->table_count; i++)
    free(keys->tables[i].buckets);
  pthread_mutex_destroy(&keys->lock);
  free(keys);
}

uint64_t keys_hash(const Keys *keys, const Program *program, const Scratch *scratch) {
  uint64_t hash = HASH_SEED, high;
  for (size_t i = 0; i < keys->column_count; i++) {
    uint32_t column = keys->columns[i];
    TypeIdentity identity = type_identity(program_column_type(program, column),
                                          scratch_value(scratch, column), scratch_typed(scratch));
    hash = hash_fold(hash ^ identity.number, HASH_STEP);
    if (identity.len > 0)
      hash = hash_fold(hash ^ hash_bytes(identity.bytes, identity.len, &high), HASH_LAST);
  }
  return hash_fold(hash ^ HASH_LAST, HASH_STEP);
}

static size_t buckets_for(uint64_t count) {
  return (size_t)(count * 100 / FULL_PERCENT / BUCKET) + 1;
}

// Makes the next table; as much of it as the bound has room for. False: there is none for a useful
// one.
static bool add_table(Keys *keys, uint64_t expected) {
  uint64_t count = expected;
  if (keys->table_count > 0) // as much as all before it
    count = keys->held / sizeof(uint32_t);
  size_t buckets = buckets_for(count > LEAST_KEYS ? count : LEAST_KEYS);
  size_t left = (keys->memory - keys->held) / sizeof(uint32_t[BUCKET]);
  if (buckets > left)
    buckets = left;
  if (keys->table_count == MOST_TABLES || buckets < buckets_for(LEAST_KEYS))
    return false;
  Table *table = &keys->tables[keys->table_count];
  table->buckets = aligned_alloc(sizeof *table->buckets, buckets * sizeof *table->buckets);
  if (!table->buckets)
    return false;
  memset(table->buckets, 0, buckets * sizeof *table->buckets);
  table->bucket_count = buckets;
  table->room = buckets * BUCKET / 100 * FULL_PERCENT;
  keys->held += buckets * sizeof *table->buckets;
  keys->table_count++;
  return true;
}

static size_t bucket_of(const Table *table, uint64_t hash) {
  return (size_t)(((hash >> 32) * table->bucket_count) >> 32);
}

static uint32_t tag_of(uint64_t hash) {
  uint32_t tag = (uint32_t)hash;
  return tag ? tag : 1; // 0: the place is free
}

// Whether the tag is in the bucket; if not, *used is how many of its places are taken: BUCKET means
// full. They are taken from the first one on.
#ifdef __SSE2__
static bool is_in(const uint32_t bucket[BUCKET], uint32_t tag, unsigned *used) {
  const __m128i wanted = _mm_set1_epi32((int)tag), zero = _mm_setzero_si128();
  __m128i same = zero, empty[BUCKET / 4];
  for (int i = 0; i < BUCKET / 4; i++) {
    __m128i four = _mm_load_si128((const __m128i *)(const void *)bucket + i);
    same = _mm_or_si128(same, _mm_cmpeq_epi32(four, wanted));
    empty[i] = _mm_cmpeq_epi32(four, zero);
  }
  if (_mm_movemask_epi8(same))
    return true;
  __m128i all =
      _mm_packs_epi16(_mm_packs_epi32(empty[0], empty[1]), _mm_packs_epi32(empty[2], empty[3]));
  *used = (unsigned)__builtin_ctz((unsigned)_mm_movemask_epi8(all) | 1U << BUCKET);
  return false;
}
#else
static bool is_in(const uint32_t bucket[BUCKET], uint32_t tag, unsigned *used) {
  uint32_t same = 0, taken = 0;
  for (int i = 0; i < BUCKET; i++) {
    same |= bucket[i] == tag;
    taken += bucket[i] != 0;
  }
  *used = taken;
  return same;
}
#endif

// Whether the tag is in the table; if not, *place is where it goes. A key is in its bucket or,
// where that is full, in one of those after it.
static bool find(const Table *table, uint64_t hash, uint32_t **place) {
  unsigned used = BUCKET;
  for (size_t at = bucket_of(table, hash);; at = at + 1 == table->bucket_count ? 0 : at + 1) {
    if (is_in(table->buckets[at], tag_of(hash), &used))
      return true;
    *place = table->buckets[at] + used;
    if (used < BUCKET)
      return false;
  }
}

// Nominated records stay nominated; the memory goes back to the blocks.
static void give_up(Keys *keys) {
  keys->full = true;
  for (unsigned i = 0; i < keys->table_count; i++)
    free(keys->tables[i].buckets);
  keys->table_count = 0;
  keys->held = 0;
}

static bool look(Keys *keys, uint64_t hash, uint64_t expected) {
  uint32_t *place = NULL;
  for (unsigned i = 0; i < keys->table_count; i++)
    if (find(&keys->tables[i], hash, &place))
      return true;
  Table *last = keys->table_count > 0 ? &keys->tables[keys->table_count - 1] : NULL;
  if (!last || last->room == 0) {
    if (!add_table(keys, expected)) {
      give_up(keys);
      return false;
    }
    last = &keys->tables[keys->table_count - 1];
    find(last, hash, &place);
  }
  *place = tag_of(hash);
  last->room--;
  return false;
}

static void fetch(const Keys *keys, uint64_t hash) {
  for (unsigned i = 0; i < keys->table_count; i++)
    __builtin_prefetch(keys->tables[i].buckets[bucket_of(&keys->tables[i], hash)], 1);
}

size_t keys_look(Keys *keys, uint64_t *hashes, size_t count, uint64_t expected) {
  size_t there = 0;
  pthread_mutex_lock(&keys->lock);
  for (size_t i = 0; i < count && i < AHEAD; i++)
    fetch(keys, hashes[i]);
  for (size_t i = 0; i < count; i++) {
    if (i + AHEAD < count)
      fetch(keys, hashes[i + AHEAD]);
    bool found = !keys->full && look(keys, hashes[i], expected);
    there += found;
    hashes[i] = !found;
  }
  pthread_mutex_unlock(&keys->lock);
  return there;
}

size_t keys_held(const Keys *keys) {
  return keys->held;
}

bool keys_complete(const Keys *keys) {
  return !keys->full;
}
