// Sums of values and of their squares, exact, so that mean and deviation do not depend on the order
// of the values or the number of threads.
#ifndef PGHOST_PROFILE_MOMENTS_H
#define PGHOST_PROFILE_MOMENTS_H

#include <stdbool.h>
#include <stdint.h>

// Of integers: the sum of 2^64 squares has 190 bits.
typedef struct IntegerSums {
  __int128 sum;
  unsigned __int128 squares;
  uint64_t squares_high;
} IntegerSums;

// A sum of doubles to the last bit: a digit of 32 bits for each power of 2^32 that a double can
// have, times a count, with room to add 2^29 numbers before carries are due. After Neal, "Fast
// exact summation using small and large superaccumulators", 2015.
enum { EXACT_DIGITS = 70 };
typedef struct ExactSum {
  int64_t digits[EXACT_DIGITS];
  uint32_t added; // since the last carry
} ExactSum;

typedef struct RealSums {
  ExactSum sum;
  ExactSum squares; // each square as the sum of two doubles, which is exact
  uint64_t huge;    // values whose square does not fit a double
} RealSums;

static inline void integer_sums_add(IntegerSums *sums, int64_t value) {
  unsigned __int128 square = (unsigned __int128)((__int128)value * value);
  sums->sum += value;
  sums->squares += square;
  sums->squares_high += sums->squares < square;
}

// The same for a value that comes `count` times.
void integer_sums_add_times(IntegerSums *sums, int64_t value, uint64_t count);

void integer_sums_merge(IntegerSums *into, const IntegerSums *from);

// Adds a finite value that comes `count` times.
void real_sums_add(RealSums *sums, double value, uint64_t count);
void real_sums_merge(RealSums *into, const RealSums *from);

// Mean and sample standard deviation of `count` values. *deviation is NaN for fewer than two
// values, and if a square does not fit a double.
void integer_moments(const IntegerSums *sums, uint64_t count, double *mean, double *deviation);
void real_moments(const RealSums *sums, uint64_t count, double *mean, double *deviation);

#endif
