// 64-bit hashes of values, the same in every run: sketches of different threads and loads can be
// merged.
//
// Multiply and fold, as wyhash does (Wang Yi, https://github.com/wangyi-fudan/wyhash). Not safe
// against deliberately colliding values: where results must be exact, bytes are compared too.
#ifndef PGHOST_PROFILE_HASH_H
#define PGHOST_PROFILE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HASH_SEED UINT64_C(0xa0761d6478bd642f)
#define HASH_STEP UINT64_C(0xe7037ed1a0b428db)
#define HASH_LAST UINT64_C(0x8ebc6af09c88c6e3)
#define HIGH_BITS UINT64_C(0x8080808080808080)

static inline uint64_t hash_fold(uint64_t a, uint64_t b) {
  unsigned __int128 product = (unsigned __int128)a * b;
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t hash_integer(uint64_t number) {
  return hash_fold(hash_fold(number ^ HASH_SEED, HASH_STEP), number ^ HASH_LAST);
}

static inline uint64_t load_word(const char *at) {
  uint64_t word;
  memcpy(&word, at, sizeof word);
  return word;
}

// Fewer than eight bytes, as if zeros came after them.
static inline uint64_t load_few(const char *at, size_t len) {
  uint64_t word = 0;
  if (len >= 4) {
    uint32_t first, last;
    memcpy(&first, at, sizeof first);
    memcpy(&last, at + len - 4, sizeof last);
    return (uint64_t)first | (uint64_t)last << (8 * (len - 4));
  }
  if (len > 0)
    word = (uint64_t)(unsigned char)at[0] |
           (uint64_t)(unsigned char)at[len / 2] << (8 * (len / 2)) |
           (uint64_t)(unsigned char)at[len - 1] << (8 * (len - 1));
  return word;
}

// The first eight bytes as a number that sorts as the texts do.
static inline uint64_t text_prefix(const char *bytes, size_t len) {
  return __builtin_bswap64(len >= 8 ? load_word(bytes) : load_few(bytes, len));
}

// The hash of `len` bytes; *high is not 0 if any of them is not ASCII.
static inline uint64_t hash_bytes(const char *bytes, size_t len, uint64_t *high) {
  uint64_t hash = HASH_SEED ^ len, seen = 0, first, last;
  if (len > 16)
    for (const char *at = bytes, *end = bytes + len - 16; at < end; at += 16) {
      first = load_word(at);
      last = load_word(at + 8);
      seen |= first | last;
      hash = hash_fold(first ^ HASH_STEP, last ^ hash);
    }
  first = len > 16   ? load_word(bytes + len - 16)
          : len >= 8 ? load_word(bytes)
                     : load_few(bytes, len);
  last = len >= 8 ? load_word(bytes + len - 8) : 0;
  *high = (seen | first | last) & HIGH_BITS;
  return hash_fold(hash_fold(first ^ HASH_LAST, last ^ hash), HASH_STEP ^ len);
}

#endif
