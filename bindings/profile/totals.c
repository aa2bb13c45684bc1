// See totals.h.
#include "profile/totals.h"

#include <math.h>
#include <stdlib.h>

#include "profile/hash.h"

bool totals_init(Totals *totals, bool reals) {
  *totals = (Totals){.least = INT64_MAX,
                     .most = INT64_MIN,
                     .length_min = UINT32_MAX,
                     .low = HUGE_VAL,
                     .high = -HUGE_VAL};
  if (reals)
    totals->reals = calloc(1, sizeof *totals->reals);
  return totals->reals || !reals;
}

void totals_free(Totals *totals) {
  free(totals->reals);
  totals->reals = NULL;
}

// Numbers ---------------------------------------------------------------------------------------

void totals_add_integer(Totals *totals, int64_t number, uint64_t count) {
  totals->least = number < totals->least ? number : totals->least;
  totals->most = number > totals->most ? number : totals->most;
  integer_sums_add_times(&totals->integers, number, count);
}

// Zero has one sign.
void totals_add_real(Totals *totals, double real, uint64_t count) {
  real = real == 0 ? 0 : real;
  totals->nans += real != real ? count : 0;
  totals->infinities += real == HUGE_VAL ? count : 0;
  totals->minus_infinities += real == -HUGE_VAL ? count : 0;
  if (!isfinite(real))
    return;
  totals->low = real < totals->low ? real : totals->low;
  totals->high = real > totals->high ? real : totals->high;
  real_sums_add(totals->reals, real, count);
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

// Numbers that are one double are told apart by their digits, but for those of 480 digits.
static bool numeric_beyond(const Extreme *extreme, double real, const char *bytes, uint32_t len,
                           int side) {
  if (!extreme->set || real * side > extreme->real * side)
    return true;
  if (real != extreme->real || len > EXTREME_BYTES || extreme->cut)
    return false;
  Value a = {.bytes = bytes, .len = len}, b = {.bytes = extreme->bytes, .len = extreme->len};
  return type_numeric.compare(&a, &b, NULL) * side > 0;
}

void totals_add_numeric(Totals *totals, const char *bytes, uint32_t len, double real,
                        uint64_t count) {
  totals_add_real(totals, real, count);
  if (!isfinite(real))
    return;
  if (numeric_beyond(&totals->first, real, bytes, len, -1))
    set_extreme(&totals->first, 0, real, bytes, len);
  if (numeric_beyond(&totals->last, real, bytes, len, 1))
    set_extreme(&totals->last, 0, real, bytes, len);
}

// Texts -----------------------------------------------------------------------------------------

uint32_t count_characters(const char *bytes, uint32_t len) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < len; i++)
    count += ((unsigned char)bytes[i] & 0xC0) != 0x80;
  return count;
}

uint32_t whole_characters(const char *bytes, uint32_t len) {
  uint32_t start = len;
  while (start > 0 && len - start < 4 && ((unsigned char)bytes[start - 1] & 0xC0) == 0x80)
    start--;
  if (start == 0 || (unsigned char)bytes[start - 1] < 0xC0)
    return len;
  unsigned char lead = (unsigned char)bytes[start - 1];
  uint32_t needed = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  return len - (start - 1) < needed ? start - 1 : len;
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

void totals_extend(Totals *totals, const char *bytes, uint32_t len, uint64_t prefix) {
  if (text_beyond(&totals->first, bytes, len, -1))
    set_extreme(&totals->first, prefix, 0, bytes, len);
  if (text_beyond(&totals->last, bytes, len, 1))
    set_extreme(&totals->last, prefix, 0, bytes, len);
}

void totals_add_text(Totals *totals, const char *bytes, uint32_t len, uint64_t count) {
  uint32_t length = count_characters(bytes, len);
  totals->length_sum += length * count;
  totals->length_min = length < totals->length_min ? length : totals->length_min;
  totals->length_max = length > totals->length_max ? length : totals->length_max;
  totals_extend(totals, bytes, len, text_prefix(bytes, len));
}

// Merging ---------------------------------------------------------------------------------------

static void merge_extreme(Extreme *into, const Extreme *from, bool numeric, int side) {
  bool beyond =
      from->set && (numeric ? numeric_beyond(into, from->real, from->bytes, from->len, side)
                            : text_beyond(into, from->bytes, from->len + from->cut, side));
  if (beyond)
    *into = *from;
}

void totals_merge(Totals *into, const Totals *from) {
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
  merge_extreme(&into->first, &from->first, into->reals != NULL, -1);
  merge_extreme(&into->last, &from->last, into->reals != NULL, 1);
  into->length_sum += from->length_sum;
  into->length_min = from->length_min < into->length_min ? from->length_min : into->length_min;
  into->length_max = from->length_max > into->length_max ? from->length_max : into->length_max;
}
