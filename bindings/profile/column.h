// The profile of one column: counts, extremes, sums, different values; and a cell of its sample.
//
// Everything in it depends on the values alone and not on their order, so that merging columns
// profiled on several threads gives what one thread would have found.
#ifndef PGHOST_PROFILE_COLUMN_H
#define PGHOST_PROFILE_COLUMN_H

#include "base/field.h"
#include "profile/distinct.h"
#include "profile/sample.h"
#include "profile/totals.h"
#include "profile/values.h"
#include "rules/type.h"

// How the values of a type are profiled.
typedef enum ProfileForm {
  PROFILE_INTEGER, // by their integer: numbers, dates and times, booleans
  PROFILE_LABEL,   // the same: the place of an enum's label
  PROFILE_REAL,
  PROFILE_NUMERIC, // by their digits
  PROFILE_TEXT,    // by their bytes
  PROFILE_OTHER,   // by their text as written; without an order
} ProfileForm;

// While there are few distinct values, only their table is kept, and totals follow from it. Once
// there are many, only sketch and totals are kept.
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

// Adds a record: a value with its cleaned text to each of `count` columns. Values without memory of
// their own have their bytes in `typed`.
void column_profiles_add(ColumnProfile *columns, size_t count, const Value *values,
                         const Field *texts, const Buffer *typed);

// Adds a field to a column of texts.
void column_profile_add_text(ColumnProfile *column, const Field *text);

// A value as a cell of the sample.
void column_profile_sample(const ColumnProfile *column, const Value *value, const Field *text,
                           const Buffer *typed, SampleCell *cell);

void column_profile_merge(ColumnProfile *into, const ColumnProfile *from);

// The totals, also when there are few values; the caller frees them. False: out of memory.
bool column_profile_totals(const ColumnProfile *column, Totals *totals);

// Whether the type has an order, and so a least and greatest value and quantiles.
static inline bool column_profile_ordered(const ColumnProfile *column) {
  return column->form != PROFILE_OTHER;
}

// Appends a value as people read it: a number of the form, or the bytes of a text.
void column_profile_text(const ColumnProfile *column, int64_t number, const char *bytes,
                         uint32_t len, Buffer *out);

// Appends the shortest decimal number that reads back as this one.
void column_profile_real(const ColumnProfile *column, double real, Buffer *out);

#endif
