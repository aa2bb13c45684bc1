// What a profile says of a column once all records are in it: distinct and frequent values,
// quantiles, a histogram. It is exact if there are few values or all records are in the sample;
// otherwise quantiles, histogram and frequencies are those of the sample.
#ifndef PGHOST_PROFILE_SUMMARY_H
#define PGHOST_PROFILE_SUMMARY_H

#include "profile/profile.h"

// Of the values of a sample only the first few are frequent for sure.
enum { HISTOGRAM_BARS = 20, QUANTILES = 7, SAMPLED_VALUES = 20 };

extern const double summary_quantiles[QUANTILES]; // 0.01 to 0.99

// A value and its count among those examined.
typedef struct Point {
  uint64_t hash;
  uint64_t count;
  double real;    // of a number
  int64_t number; // as column_profile_text takes it
  const char *bytes;
  uint32_t len;
  bool cut; // a text of which only the first bytes are known
} Point;

typedef struct Summary {
  const ColumnProfile *column;
  Totals totals;
  uint64_t values; // that are not null
  uint64_t nulls;
  uint64_t distinct;
  bool distinct_exact;
  Point *points; // in the order of the values
  size_t point_count;
  uint64_t looked_at; // sum of the points' counts
  bool exact;         // they cover all values
  bool has_mean;      // a number
  double mean, deviation;
  uint64_t not_finite;
  bool has_quantiles;
  size_t quantile[QUANTILES]; // places in `points`
  bool has_histogram;
  uint64_t bars[HISTOGRAM_BARS]; // of equal width between the least and the greatest finite value
  uint64_t counted;              // in the bars
} Summary;

// False: out of memory. Must be freed either way.
bool summary_make(const Profile *profile, size_t column, Summary *summary);
void summary_free(Summary *summary);

// Brings the most frequent points to the front, at most `limit`, in order of their counts; returns
// how many. The others are in no order then.
size_t summary_most_frequent(Summary *summary, size_t limit);

// Append the least (the greatest) value. False: there is none, or the type has no order.
bool summary_least(const Summary *summary, Buffer *out);
bool summary_greatest(const Summary *summary, Buffer *out);

void summary_point_text(const Summary *summary, const Point *point, Buffer *out);

#endif
