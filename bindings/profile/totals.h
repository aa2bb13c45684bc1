// Running totals over the values of a column: extremes, sums, lengths.
//
// All of it depends on the values alone and not on their order.
#ifndef PGHOST_PROFILE_TOTALS_H
#define PGHOST_PROFILE_TOTALS_H

#include "profile/moments.h"
#include "rules/type.h"

enum { EXTREME_BYTES = 256 };

// The least or the greatest of texts or numerics. Long texts are compared by their first bytes, and
// only those are kept.
typedef struct Extreme {
  uint64_t prefix; // of a text: its first eight bytes as a number
  double real;     // of a numeric
  bool set;
  bool cut;
  uint32_t len;
  char bytes[EXTREME_BYTES];
} Extreme;

// Members that every value touches come first.
typedef struct Totals {
  int64_t least, most; // integers
  IntegerSums integers;
  uint64_t length_sum; // characters of texts
  uint32_t length_min, length_max;
  Extreme first, last; // texts, numerics
  double low, high;    // finite reals
  uint64_t nans, infinities, minus_infinities;
  RealSums *reals; // of finite values; to be freed
} Totals;

bool totals_init(Totals *totals, bool reals); // false: no memory
void totals_free(Totals *totals);

// Each adds a value that comes `count` times.
void totals_add_integer(Totals *totals, int64_t number, uint64_t count);
void totals_add_real(Totals *totals, double real, uint64_t count);
// `bytes` are those of numeric_key, `real` their value.
void totals_add_numeric(Totals *totals, const char *bytes, uint32_t len, double real,
                        uint64_t count);
void totals_add_text(Totals *totals, const char *bytes, uint32_t len, uint64_t count);

void totals_merge(Totals *into, const Totals *from);

// Extends the extremes by a text whose first eight bytes are `prefix`.
void totals_extend(Totals *totals, const char *bytes, uint32_t len, uint64_t prefix);

// The length of the whole characters in the first `len` bytes of a longer text.
uint32_t whole_characters(const char *bytes, uint32_t len);

uint32_t count_characters(const char *bytes, uint32_t len);

#endif
