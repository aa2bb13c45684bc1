// See summary.h.
#include "profile/summary.h"

#include <math.h>
#include <stdlib.h>

#include "profile/numeric_digits.h"

const double summary_quantiles[QUANTILES] = {0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99};

static double real_of(const ColumnProfile *column, int64_t number) {
  double real = (double)number;
  if (column->form == PROFILE_REAL || column->form == PROFILE_NUMERIC)
    memcpy(&real, &number, sizeof real);
  else if (type_is_infinite(column->type.kind, number))
    real = number < 0 ? -HUGE_VAL : HUGE_VAL;
  return real;
}

// Points ----------------------------------------------------------------------------------------

static bool is_text(const ColumnProfile *column) {
  return column->form == PROFILE_TEXT || column->form == PROFILE_OTHER;
}

static int64_t bits_of(double real) {
  int64_t bits;
  memcpy(&bits, &real, sizeof bits);
  return bits;
}

static Point point_of_value(const ColumnProfile *column, const DifferentValue *slot) {
  Point point = {.hash = slot->hash, .count = slot->count, .number = slot->number};
  if (column->form >= PROFILE_NUMERIC) {
    point.bytes = column->values.text.data ? column->values.text.data + slot->number : "";
    point.len = slot->len;
  }
  if (column->form == PROFILE_NUMERIC)
    point.number = bits_of(numeric_double(point.bytes));
  if (!is_text(column))
    point.real = real_of(column, point.number);
  return point;
}

static Point point_of_cell(const ColumnProfile *column, const SampleCell *cell) {
  Point point = {.hash = cell->hash, .count = 1, .number = cell->number};
  if (column->form >= PROFILE_NUMERIC) {
    point.bytes = cell->text;
    point.len = cell->len < SAMPLE_TEXT ? cell->len : SAMPLE_TEXT;
    point.cut = cell->len > SAMPLE_TEXT;
  }
  if (!is_text(column))
    point.real = real_of(column, point.number);
  return point;
}

// NaN is the greatest of all.
static int compare_reals(double a, double b) {
  bool a_nan = a != a, b_nan = b != b;
  return a_nan || b_nan ? a_nan - b_nan : (a > b) - (a < b);
}

static int by_number(const void *a, const void *b) {
  const Point *left = a, *right = b;
  int order = compare_reals(left->real, right->real);
  if (order == 0)
    order = (left->number > right->number) - (left->number < right->number);
  return order != 0 ? order : (left->hash > right->hash) - (left->hash < right->hash);
}

static int by_text(const void *a, const void *b) {
  const Point *left = a, *right = b;
  uint32_t common = left->len < right->len ? left->len : right->len;
  int order = common > 0 ? memcmp(left->bytes, right->bytes, common) : 0;
  if (order == 0)
    order = (left->len > right->len) - (left->len < right->len);
  return order != 0 ? order : (left->hash > right->hash) - (left->hash < right->hash);
}

static int by_count(const void *a, const void *b) {
  const Point *left = a, *right = b;
  if (left->count != right->count)
    return left->count > right->count ? -1 : 1;
  return left->bytes && right->bytes ? by_text(a, b) : by_number(a, b);
}

// Points of one value become one.
static void join(Summary *summary) {
  size_t kept = 0;
  for (size_t i = 0; i < summary->point_count; i++) {
    if (kept > 0 && summary->points[kept - 1].hash == summary->points[i].hash)
      summary->points[kept - 1].count += summary->points[i].count;
    else
      summary->points[kept++] = summary->points[i];
  }
  summary->point_count = kept;
}

static bool collect(const Profile *profile, size_t index, Summary *summary) {
  const ColumnProfile *column = summary->column;
  const Sample *sample = &profile->sample;
  size_t room = column->distinct ? sample->count : column->values.count;
  summary->points = calloc(room + 1, sizeof *summary->points);
  if (!summary->points)
    return false;
  for (uint32_t i = 0; !column->distinct && i < column->values.size; i++)
    if (column->values.slots[i].count > 0)
      summary->points[summary->point_count++] = point_of_value(column, &column->values.slots[i]);
  for (size_t i = 0; column->distinct && i < sample->count; i++) {
    const SampleCell *cell = &sample->cells[i * sample->columns + index];
    if (!cell->null)
      summary->points[summary->point_count++] = point_of_cell(column, cell);
  }
  qsort(summary->points, summary->point_count, sizeof *summary->points,
        is_text(column) ? by_text : by_number);
  join(summary);
  for (size_t i = 0; i < summary->point_count; i++)
    summary->looked_at += summary->points[i].count;
  summary->exact = summary->looked_at == summary->values;
  return true;
}

// The most frequent of the points up to `i` come first, `count` of them and in order. Most points
// of a sample have been seen once: one comparison.
static void select_point(Point *points, size_t i, size_t count) {
  size_t at = i < count ? i : count;
  if (at == count && by_count(&points[i], &points[count - 1]) >= 0)
    return;
  Point point = points[i];
  if (at == count)
    points[i] = points[--at];
  for (; at > 0 && by_count(&point, &points[at - 1]) < 0; at--)
    points[at] = points[at - 1];
  points[at] = point;
}

size_t summary_most_frequent(Summary *summary, size_t limit) {
  size_t count = summary->point_count < limit ? summary->point_count : limit;
  if (count > SAMPLED_VALUES || count == 0) {
    qsort(summary->points, summary->point_count, sizeof *summary->points, by_count);
    return count;
  }
  for (size_t i = 0; i < summary->point_count; i++)
    select_point(summary->points, i, count);
  return count;
}

// Numbers and moments
// --------------------------------------------------------------------------------

static bool is_scale(const ColumnProfile *column) {
  return column->form == PROFILE_REAL || column->form == PROFILE_NUMERIC ||
         (column->form == PROFILE_INTEGER && column->type.kind != &type_boolean);
}

static void find_mean(Summary *summary) {
  const ColumnProfile *column = summary->column;
  const Totals *totals = &summary->totals;
  summary->not_finite = totals->nans + totals->infinities + totals->minus_infinities;
  uint64_t count = summary->values - summary->not_finite;
  summary->has_mean = column->type.kind->is_number && count > 0;
  if (!summary->has_mean)
    return;
  if (totals->reals)
    real_moments(totals->reals, count, &summary->mean, &summary->deviation);
  else
    integer_moments(&totals->integers, count, &summary->mean, &summary->deviation);
}

// As percentile_disc: the first value that a share of all values are at or below.
static void find_quantiles(Summary *summary) {
  summary->has_quantiles = is_scale(summary->column) && summary->looked_at > 0;
  uint64_t seen = 0;
  size_t at = 0;
  for (int i = 0; summary->has_quantiles && i < QUANTILES; i++) {
    double wanted = ceil(summary_quantiles[i] * (double)summary->looked_at);
    while (at + 1 < summary->point_count && (double)(seen + summary->points[at].count) < wanted)
      seen += summary->points[at++].count;
    summary->quantile[i] = at;
  }
}

// Without infinite dates and moments, which are extremes as well.
static bool finite_range(const Summary *summary, double *low, double *high) {
  const Totals *totals = &summary->totals;
  const TypeKind *kind = summary->column->type.kind;
  *low = totals->reals ? totals->low : (double)totals->least;
  *high = totals->reals ? totals->high : (double)totals->most;
  if (type_is_infinite(kind, totals->least) || type_is_infinite(kind, totals->most)) {
    *low = HUGE_VAL, *high = -HUGE_VAL;
    for (size_t i = 0; i < summary->point_count; i++) {
      double real = summary->points[i].real;
      *low = isfinite(real) ? fmin(*low, real) : *low;
      *high = isfinite(real) ? fmax(*high, real) : *high;
    }
  }
  return *low < *high;
}

static void fill_histogram(Summary *summary) {
  double low, high;
  summary->has_histogram = is_scale(summary->column) && finite_range(summary, &low, &high);
  for (size_t i = 0; summary->has_histogram && i < summary->point_count; i++) {
    const Point *point = &summary->points[i];
    if (!isfinite(point->real))
      continue;
    double share = (point->real / 2 - low / 2) / (high / 2 - low / 2);
    int bar = (int)(share * HISTOGRAM_BARS);
    bar = bar < 0 ? 0 : bar >= HISTOGRAM_BARS ? HISTOGRAM_BARS - 1 : bar;
    summary->bars[bar] += point->count;
    summary->counted += point->count;
  }
}

static void find_distinct(Summary *summary) {
  const ColumnProfile *column = summary->column;
  summary->distinct_exact = !column->distinct || summary->exact;
  if (!column->distinct)
    summary->distinct = column->values.count;
  else if (summary->exact)
    summary->distinct = summary->point_count;
  else
    summary->distinct = (uint64_t)llround(distinct_estimate(column->distinct));
  if (summary->distinct > summary->values)
    summary->distinct = summary->values;
}

bool summary_make(const Profile *profile, size_t index, Summary *summary) {
  const ColumnProfile *column = &profile->columns[index];
  *summary = (Summary){.column = column, .nulls = column->nulls};
  summary->values = profile->rows - column->nulls;
  if (column->failed || !column_profile_totals(column, &summary->totals) ||
      !collect(profile, index, summary))
    return false;
  find_distinct(summary);
  find_mean(summary);
  find_quantiles(summary);
  fill_histogram(summary);
  return true;
}

void summary_free(Summary *summary) {
  free(summary->points);
  totals_free(&summary->totals);
  summary->points = NULL;
}

// Texts -----------------------------------------------------------------------------------------

void summary_point_text(const Summary *summary, const Point *point, Buffer *out) {
  const ColumnProfile *column = summary->column;
  if (column->form == PROFILE_NUMERIC && point->cut)
    column_profile_real(column, point->real, out);
  else
    column_profile_text(column, point->number, point->bytes,
                        point->cut ? whole_characters(point->bytes, point->len) : point->len, out);
}

static bool put_extreme(const Summary *summary, const Extreme *extreme, int64_t number, double real,
                        Buffer *out) {
  const ColumnProfile *column = summary->column;
  if (column->form == PROFILE_REAL || (column->form == PROFILE_NUMERIC && !isfinite(real)))
    column_profile_real(column, real, out);
  else
    column_profile_text(
        column, number, extreme->bytes,
        extreme->cut ? whole_characters(extreme->bytes, extreme->len) : extreme->len, out);
  return true;
}

bool summary_least(const Summary *summary, Buffer *out) {
  const Totals *totals = &summary->totals;
  if (summary->values == 0 || !column_profile_ordered(summary->column))
    return false;
  double real = totals->minus_infinities > 0  ? -HUGE_VAL
                : totals->low <= totals->high ? totals->low
                : totals->infinities > 0      ? HUGE_VAL
                                              : (double)NAN;
  return put_extreme(summary, &totals->first, totals->least, real, out);
}

bool summary_greatest(const Summary *summary, Buffer *out) {
  const Totals *totals = &summary->totals;
  if (summary->values == 0 || !column_profile_ordered(summary->column))
    return false;
  double real = totals->nans > 0              ? (double)NAN
                : totals->infinities > 0      ? HUGE_VAL
                : totals->low <= totals->high ? totals->high
                                              : -HUGE_VAL;
  return put_extreme(summary, &totals->last, totals->most, real, out);
}
