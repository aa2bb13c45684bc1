// See portable.h. All integers in network byte order:
//
//   "pgprof", version u16, shape u64, records u64, records left out u64
//   per column: kind u8, nulls u64, then
//     FEW    count u32; per value its count u64, and the number u64 or length u32 and bytes
//     MANY   the registers of the sketch, the totals
//     FAILED nothing
//   sample: count u32; per record its priority u64 and a cell per column
//   the hash of all that u64, so that damage is seen
//
// The hashes of values are not in it where they follow from what is.
#include "profile/portable.h"

#include "profile/numeric_digits.h"

static const char magic[] = "pgprof";

enum { MAGIC = sizeof magic - 1, VERSION = 1, HASH_SIZE = 8, HIGHEST_RANK = 65 - DISTINCT_BITS };

typedef enum ColumnKind { FEW, MANY, FAILED } ColumnKind;

// What tells columns apart: states of one shape can be merged.
static bool shape_of(const Profile *profile, uint64_t *shape) {
  char type[TYPE_NAME_SIZE];
  Buffer text = {0};
  uint64_t high;
  for (size_t i = 0; i < profile->column_count; i++) {
    const ColumnProfile *column = &profile->columns[i];
    const char *name = program_column_name(profile->program, i);
    buffer_put(&text, name, strlen(name) + 1);
    type_name(&column->type, type, sizeof type);
    buffer_put(&text, type, strlen(type) + 1);
    buffer_put_u32(&text, (uint32_t)column->form);
    buffer_put_u32(&text, column->type.label_count);
    for (uint32_t j = 0; j < column->type.label_count; j++) {
      buffer_put_u32(&text, column->type.labels[j].len);
      buffer_put(&text, column->type.labels[j].text, column->type.labels[j].len);
    }
  }
  *shape = hash_bytes(text.data ? text.data : "", text.len, &high);
  bool good = !text.failed;
  buffer_free(&text);
  return good;
}

static bool has_numbers(const ColumnProfile *column) {
  return column->form <= PROFILE_REAL;
}

// Writing ---------------------------------------------------------------------------------------

static void put_real(Buffer *out, double real) {
  uint64_t bits;
  memcpy(&bits, &real, sizeof bits);
  buffer_put_u64(out, bits);
}

static void put_wide(Buffer *out, unsigned __int128 number) {
  buffer_put_u64(out, (uint64_t)(number >> 64));
  buffer_put_u64(out, (uint64_t)number);
}

static void put_few(const Values *values, bool numbers, Buffer *out) {
  buffer_put_u32(out, values->count);
  for (uint32_t i = 0; i < values->size; i++) {
    const DifferentValue *slot = &values->slots[i];
    if (slot->count == 0)
      continue;
    buffer_put_u64(out, slot->count);
    if (numbers) {
      buffer_put_u64(out, (uint64_t)slot->number);
    } else {
      buffer_put_u32(out, slot->len);
      if (slot->len > 0)
        buffer_put(out, values->text.data + slot->number, slot->len);
    }
  }
}

static void put_extreme(Buffer *out, const Extreme *extreme) {
  buffer_put_u8(out, extreme->set);
  if (!extreme->set)
    return;
  buffer_put_u64(out, extreme->prefix);
  put_real(out, extreme->real);
  buffer_put_u8(out, extreme->cut);
  buffer_put_u32(out, extreme->len);
  buffer_put(out, extreme->bytes, extreme->len);
}

static void put_sum(Buffer *out, const ExactSum *sum) {
  for (int i = 0; i < EXACT_DIGITS; i++)
    buffer_put_u64(out, (uint64_t)sum->digits[i]);
  buffer_put_u32(out, sum->added);
}

static void put_totals(Buffer *out, const Totals *totals) {
  buffer_put_u64(out, (uint64_t)totals->least);
  buffer_put_u64(out, (uint64_t)totals->most);
  put_wide(out, (unsigned __int128)totals->integers.sum);
  put_wide(out, totals->integers.squares);
  buffer_put_u64(out, totals->integers.squares_high);
  buffer_put_u64(out, totals->length_sum);
  buffer_put_u32(out, totals->length_min);
  buffer_put_u32(out, totals->length_max);
  put_extreme(out, &totals->first);
  put_extreme(out, &totals->last);
  put_real(out, totals->low);
  put_real(out, totals->high);
  buffer_put_u64(out, totals->nans);
  buffer_put_u64(out, totals->infinities);
  buffer_put_u64(out, totals->minus_infinities);
  if (!totals->reals)
    return;
  put_sum(out, &totals->reals->sum);
  put_sum(out, &totals->reals->squares);
  buffer_put_u64(out, totals->reals->huge);
}

static void put_column(Buffer *out, const ColumnProfile *column) {
  ColumnKind kind = column->failed ? FAILED : column->distinct ? MANY : FEW;
  buffer_put_u8(out, (uint8_t)kind);
  buffer_put_u64(out, column->nulls);
  if (kind == FEW)
    put_few(&column->values, has_numbers(column), out);
  if (kind != MANY)
    return;
  buffer_put(out, column->distinct->registers, DISTINCT_REGISTERS);
  put_totals(out, &column->totals);
}

static uint32_t kept_length(uint32_t len) {
  return len < SAMPLE_TEXT ? len : SAMPLE_TEXT;
}

static void put_cell(Buffer *out, const ColumnProfile *column, const SampleCell *cell) {
  buffer_put_u8(out, cell->null);
  if (cell->null)
    return;
  if (has_numbers(column) || column->form == PROFILE_NUMERIC)
    buffer_put_u64(out, (uint64_t)cell->number);
  if (has_numbers(column))
    return;
  buffer_put_u64(out, cell->hash);
  buffer_put_u32(out, cell->len);
  buffer_put(out, cell->text, kept_length(cell->len));
}

static void put_sample(Buffer *out, const Profile *profile) {
  const Sample *sample = &profile->sample;
  buffer_put_u32(out, (uint32_t)sample->count);
  for (size_t i = 0; i < sample->count; i++) {
    const SampleCell *cells = sample->cells + sample->records[i].row * sample->columns;
    buffer_put_u64(out, sample->records[i].priority);
    for (size_t j = 0; j < sample->columns; j++)
      put_cell(out, &profile->columns[j], &cells[j]);
  }
}

bool profile_state_write(const Profile *profile, Buffer *out) {
  uint64_t shape, high;
  size_t start = out->len;
  if (profile->failed || !shape_of(profile, &shape))
    return false;
  buffer_put(out, magic, MAGIC);
  buffer_put_u16(out, VERSION);
  buffer_put_u64(out, shape);
  buffer_put_u64(out, profile->rows);
  buffer_put_u64(out, profile->left_out);
  for (size_t i = 0; i < profile->column_count; i++)
    put_column(out, &profile->columns[i]);
  put_sample(out, profile);
  if (!out->failed)
    buffer_put_u64(out, hash_bytes(out->data + start, out->len - start, &high));
  return !out->failed;
}

// Reading ---------------------------------------------------------------------------------------

// After the end, or after something that cannot be, everything is 0 and `bad` is set.
typedef struct Reader {
  const char *at;
  const char *end;
  bool bad;
  bool no_memory;
} Reader;

static const char *take(Reader *reader, size_t len) {
  if (reader->bad || (size_t)(reader->end - reader->at) < len) {
    reader->bad = true;
    return NULL;
  }
  const char *bytes = reader->at;
  reader->at += len;
  return bytes;
}

static uint64_t take_number(Reader *reader, size_t size) {
  const char *bytes = take(reader, size);
  uint64_t number = 0;
  for (size_t i = 0; bytes && i < size; i++)
    number = number << 8 | (unsigned char)bytes[i];
  return number;
}

static uint64_t take_u64(Reader *reader) {
  return take_number(reader, sizeof(uint64_t));
}

static uint32_t take_u32(Reader *reader) {
  return (uint32_t)take_number(reader, sizeof(uint32_t));
}

static bool take_flag(Reader *reader) {
  uint64_t flag = take_number(reader, 1);
  reader->bad = reader->bad || flag > 1;
  return flag == 1 && !reader->bad;
}

// Beyond these limits sums could overflow: no profile has such numbers.
static const uint64_t most_records = UINT64_C(1) << 48;
static const __int128 most_sum = (__int128)1 << 120;
static const int64_t most_digit = INT64_C(1) << 62;

static void must(Reader *reader, bool holds) {
  reader->bad = reader->bad || !holds;
}

// A number of the column's form: days have 32 bits.
static int64_t take_value_number(Reader *reader, const ColumnProfile *column) {
  int64_t number = (int64_t)take_u64(reader);
  must(reader, column->type.kind != &type_date || number == (int32_t)number);
  return number;
}

static double take_real(Reader *reader) {
  uint64_t bits = take_u64(reader);
  double real;
  memcpy(&real, &bits, sizeof real);
  return real;
}

static unsigned __int128 take_wide(Reader *reader) {
  unsigned __int128 high = take_u64(reader);
  return high << 64 | take_u64(reader);
}

// The groups of digits that a numeric says it has are there, as far as they are kept.
static void check_numeric(Reader *reader, const char *bytes, uint32_t kept, uint32_t len) {
  must(reader, kept >= NUMERIC_HEADER);
  if (reader->bad)
    return;
  uint32_t groups = (uint32_t)(unsigned char)bytes[0] << 8 | (unsigned char)bytes[1];
  must(reader, NUMERIC_HEADER + 2 * groups == len);
}

static void take_value(Reader *reader, ColumnProfile *column, uint64_t rows) {
  uint64_t count = take_u64(reader), hash, high;
  int64_t number = has_numbers(column) ? take_value_number(reader, column) : 0;
  uint32_t len = has_numbers(column) ? 0 : take_u32(reader);
  const char *bytes = has_numbers(column) ? NULL : take(reader, len);
  if (!reader->bad && column->form == PROFILE_NUMERIC)
    check_numeric(reader, bytes, len, len);
  must(reader, count > 0 && count <= rows);
  if (reader->bad)
    return;
  hash = bytes ? hash_bytes(bytes, len, &high) : hash_integer((uint64_t)number);
  if (values_add(&column->values, hash, number, bytes, len, count))
    return;
  reader->no_memory = column->values.failed;
  reader->bad = true;
}

static void take_few(Reader *reader, ColumnProfile *column, uint64_t rows) {
  uint32_t count = take_u32(reader);
  for (uint32_t i = 0; i < count && !reader->bad; i++)
    take_value(reader, column, rows);
  must(reader, column->values.count == count);
}

static void take_extreme(Reader *reader, Extreme *extreme, bool numeric) {
  extreme->set = take_flag(reader);
  if (!extreme->set)
    return;
  extreme->prefix = take_u64(reader);
  extreme->real = take_real(reader);
  extreme->cut = take_flag(reader);
  uint32_t len = take_u32(reader);
  must(reader, len <= EXTREME_BYTES && (!extreme->cut || len == EXTREME_BYTES));
  const char *bytes = take(reader, len);
  if (!bytes)
    return;
  if (numeric && !extreme->cut)
    check_numeric(reader, bytes, len, len);
  extreme->len = len;
  memcpy(extreme->bytes, bytes, len);
}

static void take_sum(Reader *reader, ExactSum *sum) {
  for (int i = 0; i < EXACT_DIGITS; i++) {
    sum->digits[i] = (int64_t)take_u64(reader);
    must(reader, sum->digits[i] < most_digit && sum->digits[i] > -most_digit);
  }
  sum->added = take_u32(reader);
}

static bool is_empty(const Totals *totals) {
  return totals->least == INT64_MAX && totals->most == INT64_MIN;
}

static void take_totals(Reader *reader, const ColumnProfile *column, Totals *totals) {
  bool numeric = column->form == PROFILE_NUMERIC;
  totals->least = (int64_t)take_u64(reader);
  totals->most = (int64_t)take_u64(reader);
  must(reader,
       column->type.kind != &type_date || is_empty(totals) ||
           (totals->least == (int32_t)totals->least && totals->most == (int32_t)totals->most));
  totals->integers.sum = (__int128)take_wide(reader);
  must(reader, totals->integers.sum < most_sum && totals->integers.sum > -most_sum);
  totals->integers.squares = take_wide(reader);
  totals->integers.squares_high = take_u64(reader);
  totals->length_sum = take_u64(reader);
  totals->length_min = take_u32(reader);
  totals->length_max = take_u32(reader);
  take_extreme(reader, &totals->first, numeric);
  take_extreme(reader, &totals->last, numeric);
  totals->low = take_real(reader);
  totals->high = take_real(reader);
  totals->nans = take_u64(reader);
  totals->infinities = take_u64(reader);
  totals->minus_infinities = take_u64(reader);
  if (!totals->reals)
    return;
  take_sum(reader, &totals->reals->sum);
  take_sum(reader, &totals->reals->squares);
  totals->reals->huge = take_u64(reader);
}

static void take_many(Reader *reader, ColumnProfile *column) {
  const char *registers = take(reader, DISTINCT_REGISTERS);
  Distinct read = {0};
  column->distinct = distinct_new();
  column->values.many = true;
  reader->no_memory = !column->distinct;
  must(reader, !reader->no_memory);
  for (int i = 0; !reader->bad && i < DISTINCT_REGISTERS; i++) {
    read.registers[i] = (uint8_t)registers[i];
    must(reader, read.registers[i] <= HIGHEST_RANK);
  }
  if (!reader->bad)
    distinct_merge(column->distinct, &read);
  take_totals(reader, column, &column->totals);
}

static void take_column(Reader *reader, ColumnProfile *column, uint64_t rows) {
  uint64_t kind = take_number(reader, 1);
  column->nulls = take_u64(reader);
  column->failed = kind == FAILED;
  must(reader, kind <= FAILED && column->nulls <= rows);
  if (kind == FEW)
    take_few(reader, column, rows);
  else if (kind == MANY)
    take_many(reader, column);
}

static void take_cell(Reader *reader, const ColumnProfile *column, SampleCell *cell) {
  *cell = (SampleCell){.null = take_flag(reader)};
  if (cell->null)
    return;
  if (has_numbers(column) || column->form == PROFILE_NUMERIC)
    cell->number = take_value_number(reader, column);
  if (has_numbers(column)) {
    cell->hash = hash_integer((uint64_t)cell->number);
    return;
  }
  cell->hash = take_u64(reader);
  cell->len = take_u32(reader);
  const char *bytes = take(reader, kept_length(cell->len));
  if (!bytes)
    return;
  if (column->form == PROFILE_NUMERIC)
    check_numeric(reader, bytes, kept_length(cell->len), cell->len);
  memcpy(cell->text, bytes, kept_length(cell->len));
}

static void take_sample(Reader *reader, Profile *profile) {
  Sample *sample = &profile->sample;
  uint32_t count = take_u32(reader);
  must(reader, count <= sample->room && count <= profile->rows);
  for (uint32_t i = 0; i < count && !reader->bad; i++) {
    SampleCell *cells = sample_take(sample, take_u64(reader));
    for (size_t j = 0; j < sample->columns; j++)
      take_cell(reader, &profile->columns[j], &cells[j]);
  }
}

static ProfileState take_profile(Reader *reader, Profile *profile) {
  const char *start = take(reader, MAGIC);
  if (!start || memcmp(start, magic, MAGIC) != 0)
    return PROFILE_STATE_DAMAGED;
  uint64_t shape, version = take_number(reader, sizeof(uint16_t));
  if (!shape_of(profile, &shape))
    return PROFILE_STATE_NO_MEMORY;
  if (version != VERSION || take_u64(reader) != shape)
    return reader->bad ? PROFILE_STATE_DAMAGED : PROFILE_STATE_OTHER;
  profile->rows = take_u64(reader);
  must(reader, profile->rows <= most_records);
  profile->left_out = take_u64(reader);
  for (size_t i = 0; i < profile->column_count && !reader->bad; i++)
    take_column(reader, &profile->columns[i], profile->rows);
  take_sample(reader, profile);
  if (reader->no_memory)
    return PROFILE_STATE_NO_MEMORY;
  return reader->bad || reader->at != reader->end ? PROFILE_STATE_DAMAGED : PROFILE_STATE_GOOD;
}

// Where what the hash at the end is of ends; NULL: it is not of this.
static const char *checked_end(const char *bytes, size_t len) {
  uint64_t high;
  if (len < HASH_SIZE)
    return NULL;
  Reader last = {.at = bytes + len - HASH_SIZE, .end = bytes + len};
  return take_u64(&last) == hash_bytes(bytes, len - HASH_SIZE, &high) ? bytes + len - HASH_SIZE
                                                                      : NULL;
}

ProfileState profile_state_add(Profile *into, const char *bytes, size_t len) {
  Reader reader = {.at = bytes, .end = checked_end(bytes, len)};
  if (!reader.end)
    return PROFILE_STATE_DAMAGED;
  Profile *part = profile_new(into->program);
  if (!part)
    return PROFILE_STATE_NO_MEMORY;
  ProfileState state = take_profile(&reader, part);
  if (state == PROFILE_STATE_GOOD)
    profile_take(into, part);
  profile_free(part);
  return state;
}
