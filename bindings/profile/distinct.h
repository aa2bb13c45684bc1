// Estimates the number of distinct values: HyperLogLog.
//
// A sketch depends on the set of hashes alone, not on their order or on how they are divided among
// sketches that are merged later.
#ifndef PGHOST_PROFILE_DISTINCT_H
#define PGHOST_PROFILE_DISTINCT_H

#include <stdint.h>

// Standard error 1.04 / sqrt(registers): 1.15 %.
enum { DISTINCT_BITS = 13, DISTINCT_REGISTERS = 1 << DISTINCT_BITS };

// No register is below `floor`, and `at_floor` of them are at it: hashes that cannot raise one,
// soon the majority, are not looked up.
typedef struct Distinct {
  uint8_t registers[DISTINCT_REGISTERS];
  unsigned floor;
  unsigned at_floor;
  uint64_t limit; // the rest of a hash that may raise a register is below it
} Distinct;

Distinct *distinct_new(void); // NULL: out of memory. Free with free

// One more than the zeros before the first one of a hash, without the bits that choose the
// register.
static inline uint8_t distinct_rank(uint64_t hash) {
  uint64_t rest = hash << DISTINCT_BITS | UINT64_C(1) << (DISTINCT_BITS - 1);
  return (uint8_t)(__builtin_clzll(rest) + 1);
}

// The hash has a higher rank than its register.
void distinct_raise(Distinct *distinct, uint64_t hash);

static inline void distinct_add(Distinct *distinct, uint64_t hash) {
  if (hash << DISTINCT_BITS <= distinct->limit &&
      distinct_rank(hash) > distinct->registers[hash >> (64 - DISTINCT_BITS)])
    distinct_raise(distinct, hash);
}

void distinct_merge(Distinct *into, const Distinct *from);

double distinct_estimate(const Distinct *distinct);

#endif
