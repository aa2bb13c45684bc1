// See moments.h: exact sums, and what follows from them.
#include "profile/moments.h"

#include <math.h>
#include <string.h>

enum { CARRY_AFTER = 1 << 29, MANTISSA_BITS = 52, EXPONENT_MASK = 2047, LOWEST_BIT = -1075 };

#define HUGE_VALUE 1e153 // its square, times a count, is a double still

// The difference of two sums that are almost equal needs more digits than the result has.
#ifdef __SIZEOF_FLOAT128__
typedef __float128 Wide;
#else
typedef long double Wide;
#endif

void integer_sums_add_times(IntegerSums *sums, int64_t value, uint64_t count) {
  uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
  unsigned __int128 square = (unsigned __int128)magnitude * magnitude;
  unsigned __int128 low = (unsigned __int128)(uint64_t)square * count;
  unsigned __int128 high = (unsigned __int128)(uint64_t)(square >> 64) * count + (low >> 64);
  unsigned __int128 product = high << 64 | (uint64_t)low;
  sums->sum += (__int128)value * (__int128)count;
  sums->squares += product;
  sums->squares_high += (uint64_t)(high >> 64) + (sums->squares < product);
}

void integer_sums_merge(IntegerSums *into, const IntegerSums *from) {
  into->sum += from->sum;
  into->squares += from->squares;
  into->squares_high += from->squares_high + (into->squares < from->squares);
}

// Digits between 0 and 2^32 again, but the last, which has the sign.
static void carry(ExactSum *sum) {
  for (int i = 0; i < EXACT_DIGITS - 1; i++) {
    int64_t over = sum->digits[i] >> 32;
    sum->digits[i] -= over * (INT64_C(1) << 32);
    sum->digits[i + 1] += over;
  }
  sum->added = 0;
}

// Adds value * 2^shift.
static void exact_add(ExactSum *sum, double value, unsigned shift) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  unsigned exponent = (unsigned)(bits >> MANTISSA_BITS) & EXPONENT_MASK;
  uint64_t mantissa = bits & ((UINT64_C(1) << MANTISSA_BITS) - 1);
  mantissa |= exponent > 0 ? UINT64_C(1) << MANTISSA_BITS : 0;
  exponent += (exponent == 0) + shift;
  unsigned __int128 shifted = (unsigned __int128)mantissa << (exponent & 31);
  int64_t *digit = &sum->digits[exponent >> 5];
  int64_t sign = bits >> 63 ? -1 : 1;
  digit[0] += sign * (int64_t)((uint64_t)shifted & UINT32_MAX);
  digit[1] += sign * (int64_t)((uint64_t)(shifted >> 32) & UINT32_MAX);
  digit[2] += sign * (int64_t)(shifted >> 64);
  if (++sum->added >= CARRY_AFTER)
    carry(sum);
}

static void add_shifted(RealSums *sums, double value, unsigned shift) {
  exact_add(&sums->sum, value, shift);
  if (fabs(value) > HUGE_VALUE)
    return;
  double square = value * value;
  exact_add(&sums->squares, square, shift);
  exact_add(&sums->squares, fma(value, value, -square), shift);
}

// A multiple is the sum of the powers of two in `count`.
void real_sums_add(RealSums *sums, double value, uint64_t count) {
  sums->huge += fabs(value) > HUGE_VALUE ? count : 0;
  for (unsigned shift = 0; count >> shift > 0 && shift < 64; shift++)
    if (count >> shift & 1)
      add_shifted(sums, value, shift);
}

static void exact_merge(ExactSum *into, const ExactSum *from) {
  ExactSum more = *from;
  carry(&more);
  carry(into);
  for (int i = 0; i < EXACT_DIGITS; i++)
    into->digits[i] += more.digits[i];
}

void real_sums_merge(RealSums *into, const RealSums *from) {
  exact_merge(&into->sum, &from->sum);
  exact_merge(&into->squares, &from->squares);
  into->huge += from->huge;
}

static Wide exact_value(const ExactSum *sum) {
  ExactSum carried = *sum;
  carry(&carried);
  Wide value = 0;
  for (int i = EXACT_DIGITS - 1; i >= 0; i--)
    value = value * 4294967296.0 + (Wide)carried.digits[i];
  for (int i = 0; i > LOWEST_BIT; i--)
    value /= 2;
  return value;
}

static void moments(Wide sum, Wide squares, uint64_t count, double *mean, double *deviation) {
  Wide n = (Wide)count;
  *mean = count > 0 ? (double)(sum / n) : (double)NAN;
  Wide variance = count > 1 ? (squares - sum * sum / n) / (n - 1) : 0;
  *deviation = count > 1 ? sqrt(variance > 0 ? (double)variance : 0) : (double)NAN;
}

void integer_moments(const IntegerSums *sums, uint64_t count, double *mean, double *deviation) {
  Wide high = (Wide)sums->squares_high * 18446744073709551616.0 * 18446744073709551616.0;
  moments((Wide)sums->sum, high + (Wide)sums->squares, count, mean, deviation);
}

void real_moments(const RealSums *sums, uint64_t count, double *mean, double *deviation) {
  moments(exact_value(&sums->sum), exact_value(&sums->squares), count, mean, deviation);
  if (sums->huge > 0)
    *deviation = (double)NAN;
}
