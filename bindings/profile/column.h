// The profile of one column: counts, extremes, sums, different values; and a cell of its sample.
//
// Everything in it depends on the values alone and not on their order, so that columns profiled on
// several threads and put together are what one thread would have found.
#ifndef PGHOST_PROFILE_COLUMN_H
#define PGHOST_PROFILE_COLUMN_H

#include "base/field.h"
#include "profile/distinct.h"
#include "profile/sample.h"
#include "profile/totals.h"
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

// As long as the different values are few, their table is all that there is: totals follow from it.
// Once they are many it is the other way round.
typedef struct ColumnProfile {
  ProfileForm form;
  bool sums;   // of numbers
  bool failed; // out of memory: the column has no profile
  uint64_t nulls;
  Values values;
  Distinct *distinct; // of many
  Totals totals;      // of many
  Type type;          // borrows what the program has
} ColumnProfile;

bool column_profile_init(ColumnProfile *column, const Type *type, uint32_t different_values);
void column_profile_free(ColumnProfile *column);

// Adds a record: to each of `count` columns a value with its cleaned text. Bytes that are not in
// memory of their own are in `typed`.
void column_profiles_add(ColumnProfile *columns, size_t count, const Value *values,
                         const Field *texts, const Buffer *typed);

// A value as a cell of the sample.
void column_profile_sample(const ColumnProfile *column, const Value *value, const Field *text,
                           const Buffer *typed, SampleCell *cell);

void column_profile_merge(ColumnProfile *into, const ColumnProfile *from);

// The totals of few values, too; to be freed. False: no memory.
bool column_profile_totals(const ColumnProfile *column, Totals *totals);

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
