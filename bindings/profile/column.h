// The profile of one column: counts, extremes, sums, different values; and a cell of its sample.
//
// Everything in it depends on the values alone and not on their order, so that columns profiled on
// several threads and put together are what one thread would have found.
#ifndef PGHOST_PROFILE_COLUMN_H
#define PGHOST_PROFILE_COLUMN_H

#include "base/field.h"
#include "profile/distinct.h"
#include "profile/moments.h"
#include "profile/sample.h"
#include "profile/values.h"
#include "rules/type.h"

// How the values of a type are looked at.
typedef enum ProfileForm {
  PROFILE_INTEGER, // by their integer: numbers, dates and times, booleans
  PROFILE_LABEL,   // the same: the place of an enum's label
  PROFILE_REAL,
  PROFILE_NUMERIC, // by their digits
  PROFILE_TEXT,    // by their bytes
  PROFILE_OTHER,   // by their text as it was written; without an order
} ProfileForm;

enum { EXTREME_BYTES = 256 };

// The least or the greatest of texts or numerics. Of long texts the first bytes are kept, by which
// they are compared.
typedef struct Extreme {
  uint64_t prefix; // of a text: its first eight bytes as a number
  double real;     // of a numeric
  bool set;
  bool cut;
  uint32_t len;
  char bytes[EXTREME_BYTES];
} Extreme;

typedef struct ColumnProfile {
  Type type; // borrows what the program has
  ProfileForm form;
  uint64_t nulls;
  Values values;
  Distinct *distinct; // once there are many different values
  bool failed;        // out of memory: the column has no profile
  int64_t least, most;
  IntegerSums integers;
  RealSums *reals; // of finite values
  uint64_t nans, infinities, minus_infinities;
  double low, high; // of finite reals
  Extreme first, last;
  uint64_t length_sum; // characters of texts
  uint32_t length_min, length_max;
} ColumnProfile;

bool column_profile_init(ColumnProfile *column, const Type *type, uint32_t different_values);
void column_profile_free(ColumnProfile *column);

// Adds a value with its cleaned text; bytes that are not in memory of their own are in `typed`.
void column_profile_add(ColumnProfile *column, const Value *value, const Field *text,
                        const Buffer *typed);

// The same value as a cell of the sample.
void column_profile_sample(const ColumnProfile *column, const Value *value, const Field *text,
                           const Buffer *typed, SampleCell *cell);

void column_profile_merge(ColumnProfile *into, const ColumnProfile *from);

// Whether the type has an order that least, greatest and quantiles can be told in.
static inline bool column_profile_ordered(const ColumnProfile *column) {
  return column->form != PROFILE_OTHER;
}

// Appends a value as people read it: a number of the form, or the bytes of a text.
void column_profile_text(const ColumnProfile *column, int64_t number, const char *bytes,
                         uint32_t len, Buffer *out);

// Appends the shortest decimal number that is this one.
void column_profile_real(const ColumnProfile *column, double real, Buffer *out);

#endif
