// See column.h. Per value: a hash, a comparison with each extreme, the sums, and one place in the
// table of different values or, when these are many, in a HyperLogLog sketch.
#include "profile/column.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "profile/hash.h"
#include "profile/numeric_digits.h"

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

bool column_profile_init(ColumnProfile *column, const Type *type, uint32_t different_values) {
  *column = (ColumnProfile){.type = *type,
                            .form = form_of(type->kind),
                            .least = INT64_MAX,
                            .most = INT64_MIN,
                            .low = HUGE_VAL,
                            .high = -HUGE_VAL,
                            .length_min = UINT32_MAX};
  values_init(&column->values, different_values);
  if (column->form == PROFILE_REAL || column->form == PROFILE_NUMERIC)
    column->reals = calloc(1, sizeof *column->reals);
  return column->reals || (column->form != PROFILE_REAL && column->form != PROFILE_NUMERIC);
}

void column_profile_free(ColumnProfile *column) {
  values_free(&column->values);
  free(column->distinct);
  free(column->reals);
}

// Different values ------------------------------------------------------------------------------

// There are too many: what is known of them goes into the sketch.
static bool start_sketch(ColumnProfile *column) {
  if (!column->distinct)
    column->distinct = calloc(1, sizeof *column->distinct);
  if (!column->distinct)
    return false;
  for (uint32_t i = 0; i < column->values.size; i++)
    if (column->values.slots[i].count > 0)
      distinct_add(column->distinct, column->values.slots[i].hash);
  column->values.many = true;
  values_free(&column->values);
  return true;
}

static void add_refused(ColumnProfile *column, uint64_t hash) {
  column->failed = column->failed || column->values.failed || !start_sketch(column);
  if (!column->failed)
    distinct_add(column->distinct, hash);
}

static inline void add_different(ColumnProfile *column, uint64_t hash, int64_t number,
                                 const char *bytes, uint32_t len) {
  if (column->distinct)
    distinct_add(column->distinct, hash);
  else if (!values_add(&column->values, hash, number, bytes, len))
    add_refused(column, hash);
}

// Numbers ---------------------------------------------------------------------------------------

static inline void add_integer(ColumnProfile *column, int64_t number) {
  column->least = number < column->least ? number : column->least;
  column->most = number > column->most ? number : column->most;
  integer_sums_add(&column->integers, number);
  add_different(column, hash_integer((uint64_t)number), number, NULL, 0);
}

// Zero has one sign, and there is one NaN.
static uint64_t real_bits(double real) {
  uint64_t bits;
  real = real == 0 ? 0 : real != real ? (double)NAN : real;
  memcpy(&bits, &real, sizeof bits);
  return bits;
}

// False: it is not finite.
static bool add_double(ColumnProfile *column, double real) {
  real = real == 0 ? 0 : real;
  column->nans += real != real;
  column->infinities += real == HUGE_VAL;
  column->minus_infinities += real == -HUGE_VAL;
  if (!isfinite(real))
    return false;
  column->low = real < column->low ? real : column->low;
  column->high = real > column->high ? real : column->high;
  real_sums_add(column->reals, real);
  return true;
}

static void add_real(ColumnProfile *column, double real) {
  uint64_t bits = real_bits(real);
  add_double(column, real);
  add_different(column, hash_integer(bits), (int64_t)bits, NULL, 0);
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

static void set_extreme(Extreme *extreme, uint64_t prefix, double real, const char *bytes,
                        uint32_t len) {
  uint32_t kept = len < EXTREME_BYTES ? len : EXTREME_BYTES;
  extreme->prefix = prefix;
  extreme->real = real;
  extreme->set = true;
  extreme->cut = kept < len;
  extreme->len = kept;
  if (kept > 0)
    memcpy(extreme->bytes, bytes, kept);
}

// Numbers that are one double are told apart by their digits. What does not fit is not.
static bool numeric_beyond(const ColumnProfile *column, const Extreme *extreme, double real,
                           const NumericKey *key, int side) {
  if (!extreme->set || real * side > extreme->real * side)
    return true;
  if (real != extreme->real || key->len > EXTREME_BYTES || extreme->cut)
    return false;
  Value a = {.bytes = key->bytes, .len = key->len};
  Value b = {.bytes = extreme->bytes, .len = extreme->len};
  return column->type.kind->compare(&a, &b, NULL) * side > 0;
}

static void add_numeric(ColumnProfile *column, const Value *value, const Buffer *typed) {
  NumericKey key;
  numeric_key_of(value, typed, &key);
  double real = numeric_double(key.bytes);
  if (add_double(column, real)) {
    if (numeric_beyond(column, &column->first, real, &key, -1))
      set_extreme(&column->first, 0, real, key.bytes, key.len);
    if (numeric_beyond(column, &column->last, real, &key, 1))
      set_extreme(&column->last, 0, real, key.bytes, key.len);
  }
  add_different(column, key.hash, 0, key.bytes, key.len);
}

// Texts -----------------------------------------------------------------------------------------

static uint32_t count_characters(const char *bytes, uint32_t len) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < len; i++)
    count += ((unsigned char)bytes[i] & 0xC0) != 0x80;
  return count;
}

static inline uint64_t prefix_of(const char *bytes, uint32_t len) {
  return __builtin_bswap64(len >= 8 ? load_word(bytes) : load_few(bytes, len));
}

// Of texts that begin with the same bytes as far as they are kept, the shorter one is the lesser.
static bool text_beyond(const Extreme *extreme, const char *bytes, uint32_t len, int side) {
  if (!extreme->set)
    return true;
  uint32_t kept = len < EXTREME_BYTES ? len : EXTREME_BYTES;
  uint32_t common = kept < extreme->len ? kept : extreme->len;
  int order = common > 0 ? memcmp(bytes, extreme->bytes, common) : 0;
  if (order == 0)
    order = (kept > extreme->len) - (kept < extreme->len);
  if (order == 0)
    order = (int)(len > EXTREME_BYTES) - (int)extreme->cut;
  return order * side > 0;
}

static inline void add_length(ColumnProfile *column, uint32_t length) {
  column->length_sum += length;
  column->length_min = length < column->length_min ? length : column->length_min;
  column->length_max = length > column->length_max ? length : column->length_max;
}

static inline void add_text(ColumnProfile *column, const char *bytes, uint32_t len) {
  uint64_t high, hash = hash_bytes(bytes, len, &high), prefix = prefix_of(bytes, len);
  add_length(column, high ? count_characters(bytes, len) : len);
  if ((!column->first.set || prefix <= column->first.prefix) &&
      text_beyond(&column->first, bytes, len, -1))
    set_extreme(&column->first, prefix, 0, bytes, len);
  if ((!column->last.set || prefix >= column->last.prefix) &&
      text_beyond(&column->last, bytes, len, 1))
    set_extreme(&column->last, prefix, 0, bytes, len);
  add_different(column, hash, 0, bytes, len);
}

static void add_other(ColumnProfile *column, const Field *text) {
  uint64_t high, hash = hash_bytes(text->data, text->len, &high);
  add_different(column, hash, 0, text->data, text->len);
}

void column_profile_add(ColumnProfile *column, const Value *value, const Field *text,
                        const Buffer *typed) {
  if (value->null) {
    column->nulls++;
    return;
  }
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

static void merge_different(ColumnProfile *into, const ColumnProfile *from) {
  if (from->distinct && !into->distinct)
    into->failed = into->failed || !start_sketch(into);
  if (into->failed)
    return;
  if (from->distinct) {
    distinct_merge(into->distinct, from->distinct);
    return;
  }
  bool numbers = into->form <= PROFILE_REAL;
  for (uint32_t i = 0; i < from->values.size && !into->failed; i++) {
    const DifferentValue *slot = &from->values.slots[i];
    if (slot->count == 0)
      continue;
    const char *bytes = numbers                  ? NULL
                        : from->values.text.data ? from->values.text.data + slot->number
                                                 : "";
    if (into->distinct)
      distinct_add(into->distinct, slot->hash);
    else if (!values_add_slow(&into->values, slot->hash, slot->number, bytes, slot->len,
                              slot->count))
      add_refused(into, slot->hash);
  }
}

static void merge_extreme(ColumnProfile *into, Extreme *extreme, const Extreme *from, int side) {
  if (!from->set)
    return;
  NumericKey key = {.bytes = from->bytes, .len = from->len};
  bool beyond = into->form == PROFILE_NUMERIC
                    ? numeric_beyond(into, extreme, from->real, &key, side)
                    : text_beyond(extreme, from->bytes, from->len + from->cut, side);
  if (beyond)
    *extreme = *from;
}

void column_profile_merge(ColumnProfile *into, const ColumnProfile *from) {
  into->failed = into->failed || from->failed;
  into->nulls += from->nulls;
  merge_different(into, from);
  into->least = from->least < into->least ? from->least : into->least;
  into->most = from->most > into->most ? from->most : into->most;
  integer_sums_merge(&into->integers, &from->integers);
  if (into->reals)
    real_sums_merge(into->reals, from->reals);
  into->nans += from->nans;
  into->infinities += from->infinities;
  into->minus_infinities += from->minus_infinities;
  into->low = from->low < into->low ? from->low : into->low;
  into->high = from->high > into->high ? from->high : into->high;
  merge_extreme(into, &into->first, &from->first, -1);
  merge_extreme(into, &into->last, &from->last, 1);
  into->length_sum += from->length_sum;
  into->length_min = from->length_min < into->length_min ? from->length_min : into->length_min;
  into->length_max = from->length_max > into->length_max ? from->length_max : into->length_max;
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

static double real_of_bits(int64_t bits) {
  double real;
  memcpy(&real, &bits, sizeof real);
  return real;
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
