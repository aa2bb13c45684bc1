// See column.h. Per value: a hash, a comparison with each extreme, the sums, and one place in the
// table of different values or, when these are many, in a HyperLogLog sketch.
#include "profile/column.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "profile/hash.h"
#include "profile/numeric_digits.h"

// Kept out of the loop over the columns, which should stay short.
#define RARE __attribute__((noinline))

static ProfileForm form_of(const TypeKind *kind) {
  if (kind == &type_enum)
    return PROFILE_LABEL;
  if (kind == &type_numeric)
    return PROFILE_NUMERIC;
  if (kind->form == VALUE_INTEGER)
    return PROFILE_INTEGER;
  if (kind->form == VALUE_REAL)
    return PROFILE_REAL;
  return kind->keeps_text && !kind->unordered ? PROFILE_TEXT : PROFILE_OTHER;
}

static bool has_reals(ProfileForm form) {
  return form == PROFILE_REAL || form == PROFILE_NUMERIC;
}

bool column_profile_init(ColumnProfile *column, const Type *type, uint32_t different_values) {
  ProfileForm form = form_of(type->kind);
  *column = (ColumnProfile){.form = form, .sums = type->kind->is_number, .type = *type};
  values_init(&column->values, different_values);
  return totals_init(&column->totals, has_reals(form));
}

void column_profile_free(ColumnProfile *column) {
  values_free(&column->values);
  free(column->distinct);
  totals_free(&column->totals);
}

// From few values to many -------------------------------------------------------------------------

static const char *bytes_of(const Values *values, const DifferentValue *slot) {
  return values->text.data ? values->text.data + slot->number : "";
}

static double real_of_bits(int64_t bits) {
  double real;
  memcpy(&real, &bits, sizeof real);
  return real;
}

static void add_to_totals(const ColumnProfile *column, const DifferentValue *slot, Totals *totals) {
  switch (column->form) {
  case PROFILE_INTEGER:
  case PROFILE_LABEL:
    totals_add_integer(totals, slot->number, slot->count);
    break;
  case PROFILE_REAL:
    totals_add_real(totals, real_of_bits(slot->number), slot->count);
    break;
  case PROFILE_NUMERIC: {
    const char *bytes = bytes_of(&column->values, slot);
    totals_add_numeric(totals, bytes, slot->len, numeric_double(bytes), slot->count);
    break;
  }
  case PROFILE_TEXT:
    totals_add_text(totals, bytes_of(&column->values, slot), slot->len, slot->count);
    break;
  case PROFILE_OTHER:
    break;
  }
}

static void add_table(const ColumnProfile *column, Totals *totals) {
  for (uint32_t i = 0; i < column->values.size; i++)
    if (column->values.slots[i].count > 0)
      add_to_totals(column, &column->values.slots[i], totals);
}

bool column_profile_totals(const ColumnProfile *column, Totals *totals) {
  if (!totals_init(totals, has_reals(column->form)))
    return false;
  add_table(column, totals);
  totals_merge(totals, &column->totals);
  return true;
}

// The table goes into totals and sketch. False: no memory, the column has no profile.
RARE static bool become_many(ColumnProfile *column) {
  column->distinct = column->values.failed ? NULL : distinct_new();
  column->failed = column->failed || !column->distinct;
  if (column->failed)
    return false;
  add_table(column, &column->totals);
  for (uint32_t i = 0; i < column->values.size; i++)
    if (column->values.slots[i].count > 0)
      distinct_add(column->distinct, column->values.slots[i].hash);
  column->values.many = true;
  values_free(&column->values);
  return true;
}

// Whether the value is in the table now; otherwise it belongs to totals and sketch.
static inline bool is_in_table(ColumnProfile *column, uint64_t hash, int64_t number,
                               const char *bytes, uint32_t len) {
  return !column->distinct &&
         (values_add(&column->values, hash, number, bytes, len, 1) || !become_many(column));
}

// Values ------------------------------------------------------------------------------------------

static inline void add_integer(ColumnProfile *column, int64_t number) {
  if (!column->distinct && values_add_recent_number(&column->values, number))
    return;
  uint64_t hash = hash_integer((uint64_t)number);
  if (is_in_table(column, hash, number, NULL, 0))
    return;
  Totals *totals = &column->totals;
  if (number < totals->least)
    totals->least = number;
  if (number > totals->most)
    totals->most = number;
  if (column->sums)
    integer_sums_add(&totals->integers, number);
  distinct_add(column->distinct, hash);
}

// Zero has one sign, and there is one NaN.
static uint64_t real_bits(double real) {
  uint64_t bits;
  real = real == 0 ? 0 : real != real ? (double)NAN : real;
  memcpy(&bits, &real, sizeof bits);
  return bits;
}

RARE static void add_real(ColumnProfile *column, double real) {
  uint64_t bits = real_bits(real), hash = hash_integer(bits);
  if (is_in_table(column, hash, (int64_t)bits, NULL, 0))
    return;
  totals_add_real(&column->totals, real, 1);
  distinct_add(column->distinct, hash);
}

// A numeric with the bytes that equal ones share.
typedef struct NumericKey {
  uint64_t hash;
  const char *bytes;
  uint32_t len;
  char room[NUMERIC_SHORT];
} NumericKey;

// The numbers of more digits than there is room for count as they are written.
static void numeric_key_of(const Value *value, const Buffer *typed, NumericKey *key) {
  uint64_t high;
  key->bytes = type_bytes(value, typed);
  key->len = value->len;
  if (key->len <= NUMERIC_SHORT) {
    numeric_key(key->bytes, key->len, key->room);
    key->bytes = key->room;
  }
  key->hash = hash_bytes(key->bytes, key->len, &high);
}

RARE static void add_numeric(ColumnProfile *column, const Value *value, const Buffer *typed) {
  NumericKey key;
  numeric_key_of(value, typed, &key);
  if (is_in_table(column, key.hash, 0, key.bytes, key.len))
    return;
  totals_add_numeric(&column->totals, key.bytes, key.len, numeric_double(key.bytes), 1);
  distinct_add(column->distinct, key.hash);
}

static inline void add_text(ColumnProfile *column, const char *bytes, uint32_t len) {
  if (!column->distinct && values_add_recent_text(&column->values, bytes, len))
    return;
  uint64_t high, hash = hash_bytes(bytes, len, &high);
  if (is_in_table(column, hash, 0, bytes, len))
    return;
  Totals *totals = &column->totals;
  uint32_t length = high ? count_characters(bytes, len) : len;
  totals->length_sum += length;
  if (length < totals->length_min)
    totals->length_min = length;
  if (length > totals->length_max)
    totals->length_max = length;
  uint64_t prefix = text_prefix(bytes, len);
  if (prefix <= totals->first.prefix || prefix >= totals->last.prefix)
    totals_extend(totals, bytes, len, prefix);
  distinct_add(column->distinct, hash);
}

static inline void add_other(ColumnProfile *column, const Field *text) {
  if (!column->distinct && values_add_recent_text(&column->values, text->data, text->len))
    return;
  uint64_t high, hash = hash_bytes(text->data, text->len, &high);
  if (!is_in_table(column, hash, 0, text->data, text->len))
    distinct_add(column->distinct, hash);
}

static inline void add_value(ColumnProfile *column, const Value *value, const Field *text,
                             const Buffer *typed) {
  switch (column->form) {
  case PROFILE_INTEGER:
  case PROFILE_LABEL:
    add_integer(column, value->integer);
    break;
  case PROFILE_REAL:
    add_real(column, value->real);
    break;
  case PROFILE_NUMERIC:
    add_numeric(column, value, typed);
    break;
  case PROFILE_TEXT:
    add_text(column, text->data, text->len);
    break;
  case PROFILE_OTHER:
    add_other(column, text);
    break;
  }
}

void column_profiles_add(ColumnProfile *columns, size_t count, const Value *values,
                         const Field *texts, const Buffer *typed) {
  for (size_t i = 0; i < count; i++)
    if (values[i].null)
      columns[i].nulls++;
    else
      add_value(&columns[i], &values[i], &texts[i], typed);
}

void column_profile_add_text(ColumnProfile *column, const Field *text) {
  if (text->null)
    column->nulls++;
  else
    add_text(column, text->data, text->len);
}

static void keep_text(SampleCell *cell, const char *bytes, uint32_t len) {
  uint64_t high;
  cell->hash = hash_bytes(bytes, len, &high);
  cell->len = len;
  memcpy(cell->text, bytes, len < SAMPLE_TEXT ? len : SAMPLE_TEXT);
}

static void sample_numeric(const Value *value, const Buffer *typed, SampleCell *cell) {
  NumericKey key;
  numeric_key_of(value, typed, &key);
  keep_text(cell, key.bytes, key.len);
  cell->number = (int64_t)real_bits(numeric_double(key.bytes));
}

void column_profile_sample(const ColumnProfile *column, const Value *value, const Field *text,
                           const Buffer *typed, SampleCell *cell) {
  *cell = (SampleCell){.null = value->null};
  if (value->null)
    return;
  if (column->form == PROFILE_NUMERIC) {
    sample_numeric(value, typed, cell);
    return;
  }
  if (column->form == PROFILE_TEXT || column->form == PROFILE_OTHER) {
    keep_text(cell, text->data, text->len);
    return;
  }
  cell->number = column->form == PROFILE_REAL ? (int64_t)real_bits(value->real) : value->integer;
  cell->hash = hash_integer((uint64_t)cell->number);
}

// Merging ---------------------------------------------------------------------------------------

// Both are tables.
static void merge_tables(ColumnProfile *into, const ColumnProfile *from) {
  bool numbers = into->form <= PROFILE_REAL;
  for (uint32_t i = 0; i < from->values.size && !into->failed; i++) {
    const DifferentValue *slot = &from->values.slots[i];
    const char *bytes = numbers ? NULL : bytes_of(&from->values, slot);
    bool kept =
        slot->count == 0 || (!into->distinct && (values_add(&into->values, slot->hash, slot->number,
                                                            bytes, slot->len, slot->count) ||
                                                 !become_many(into)));
    if (kept || into->failed)
      continue;
    add_to_totals(from, slot, &into->totals);
    distinct_add(into->distinct, slot->hash);
  }
}

static void merge_table_into_many(ColumnProfile *into, const ColumnProfile *from) {
  Totals totals;
  into->failed = into->failed || !column_profile_totals(from, &totals);
  if (into->failed)
    return;
  totals_merge(&into->totals, &totals);
  totals_free(&totals);
  for (uint32_t i = 0; i < from->values.size; i++)
    if (from->values.slots[i].count > 0)
      distinct_add(into->distinct, from->values.slots[i].hash);
}

void column_profile_merge(ColumnProfile *into, const ColumnProfile *from) {
  into->nulls += from->nulls;
  into->failed = into->failed || from->failed;
  if (into->failed)
    return;
  if (!from->distinct && !into->distinct) {
    merge_tables(into, from);
    return;
  }
  if (!into->distinct && !become_many(into))
    return;
  if (!from->distinct) {
    merge_table_into_many(into, from);
    return;
  }
  distinct_merge(into->distinct, from->distinct);
  totals_merge(&into->totals, &from->totals);
}

// Texts for people ------------------------------------------------------------------------------

void column_profile_real(const ColumnProfile *column, double real, Buffer *out) {
  char text[40];
  double back;
  if (!isfinite(real)) {
    const char *word = real != real ? "NaN" : real > 0 ? "Infinity" : "-Infinity";
    buffer_put(out, word, strlen(word));
    return;
  }
  bool narrow = column->form == PROFILE_REAL && column->type.kind->size == sizeof(float);
  for (int digits = narrow ? 6 : 15; digits <= 17; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, real);
    back = strtod(text, NULL);
    if (narrow ? (float)back == (float)real : back == real)
      break;
  }
  buffer_put(out, text, strlen(text));
}

// "10:00:00.250000+00" as the server writes it: no zeros at the end of the fraction.
static void trim_fraction(Buffer *out, size_t start) {
  char *point = out->data ? memchr(out->data + start, '.', out->len - start) : NULL;
  if (!point)
    return;
  char *end = out->data + out->len, *rest = point + 1, *kept;
  while (rest < end && *rest >= '0' && *rest <= '9')
    rest++;
  for (kept = rest; kept[-1] == '0';)
    kept--;
  kept -= kept == point + 1;
  memmove(kept, rest, (size_t)(end - rest));
  out->len -= (size_t)(rest - kept);
}

static void put_integer(const ColumnProfile *column, int64_t number, Buffer *out) {
  char text[32];
  const Type *type = &column->type;
  Value value = {.integer = number};
  if (type->kind == &type_boolean) {
    buffer_put(out, number ? "true" : "false", number ? 4 : 5);
  } else if (type->kind->write) {
    size_t start = out->len;
    type->kind->write(type, &value, "", 0, NULL, out);
    trim_fraction(out, start);
  } else {
    int len = snprintf(text, sizeof text, "%lld", (long long)number);
    buffer_put(out, text, (size_t)len);
  }
}

void column_profile_text(const ColumnProfile *column, int64_t number, const char *bytes,
                         uint32_t len, Buffer *out) {
  switch (column->form) {
  case PROFILE_INTEGER:
    put_integer(column, number, out);
    break;
  case PROFILE_LABEL:
    if (number >= 0 && number < (int64_t)column->type.label_count)
      buffer_put(out, column->type.labels[number].text, column->type.labels[number].len);
    break;
  case PROFILE_REAL:
    column_profile_real(column, real_of_bits(number), out);
    break;
  case PROFILE_NUMERIC:
    numeric_text(bytes, out);
    break;
  case PROFILE_TEXT:
  case PROFILE_OTHER:
    buffer_put(out, bytes, len);
    break;
  }
}
