// Operations on a cell's text.
#define _GNU_SOURCE // memmem
#include "rules/rule_ops.h"

#include <string.h>

#include "rules/text.h"

enum { LONGEST_LENGTH_BIT = 63 };

static uint64_t length_bit(uint32_t len) {
  return UINT64_C(1) << (len < LONGEST_LENGTH_BIT ? len : LONGEST_LENGTH_BIT);
}

void operation_prepare(Operation *operation) {
  for (uint32_t i = 0; i < operation->value_count; i++)
    operation->lengths |= length_bit(operation->values[i].len);
}

static bool trim_edges(Field *cell) {
  const char *start = cell->data;
  const char *end = start + cell->len;
  while (start < end && operation_is_space(*start))
    start++;
  while (end > start && operation_is_space(end[-1]))
    end--;
  uint32_t len = (uint32_t)(end - start);
  if (len == cell->len)
    return false;
  cell->data = start;
  cell->len = len;
  return true;
}

static bool trim(const Operation *operation, Field *cell, Arena *arena) {
  (void)operation, (void)arena;
  return trim_edges(cell);
}

static bool unquote(const Operation *operation, Field *cell, Arena *arena) {
  (void)operation, (void)arena;
  if (cell->len < 2 || cell->data[0] != '"' || cell->data[cell->len - 1] != '"')
    return false;
  cell->data++;
  cell->len -= 2;
  return true;
}

static unsigned char fold(char c) {
  unsigned char byte = (unsigned char)c;
  return (unsigned char)(byte - 'A') < 26 ? byte | 0x20 : byte;
}

static bool equal(const char *a, const char *b, size_t len, bool ignore_case) {
  if (!ignore_case)
    return memcmp(a, b, len) == 0;
  for (size_t i = 0; i < len; i++)
    if (fold(a[i]) != fold(b[i]))
      return false;
  return true;
}

static bool null_if(const Operation *operation, Field *cell, Arena *arena) {
  (void)arena;
  if (!(operation->lengths & length_bit(cell->len)))
    return false;
  for (uint32_t i = 0; i < operation->value_count; i++) {
    const Field *value = &operation->values[i];
    if (value->len == cell->len &&
        equal(value->data, cell->data, cell->len, operation->ignore_case)) {
      *cell = (Field){.data = "", .null = true};
      return true;
    }
  }
  return false;
}

static bool change_case(Field *cell, bool upper, Arena *arena) {
  if (!text_may_change_case(cell->data, cell->len, upper))
    return false;
  char *out = arena_alloc(arena, 2 * (size_t)cell->len);
  if (!out)
    return false;
  size_t len = text_change_case(cell->data, cell->len, upper, out);
  if (len == cell->len && memcmp(out, cell->data, len) == 0)
    return false;
  cell->data = out;
  cell->len = (uint32_t)len;
  return true;
}

static bool lower(const Operation *operation, Field *cell, Arena *arena) {
  (void)operation;
  return change_case(cell, false, arena);
}

static bool upper(const Operation *operation, Field *cell, Arena *arena) {
  (void)operation;
  return change_case(cell, true, arena);
}

static size_t count_occurrences(const Field *cell, const Field *from) {
  size_t count = 0;
  const char *end = cell->data + cell->len;
  const char *at = cell->data;
  while ((at = memmem(at, (size_t)(end - at), from->data, from->len))) {
    count++;
    at += from->len;
  }
  return count;
}

static bool replace(const Operation *operation, Field *cell, Arena *arena) {
  const Field *from = &operation->values[0], *to = &operation->values[1];
  size_t count = count_occurrences(cell, from);
  if (count == 0)
    return false;
  size_t len = cell->len - count * from->len + count * to->len;
  char *out = len <= UINT32_MAX ? arena_alloc(arena, len + 1) : NULL;
  if (!out) {
    arena->failed = true;
    return false;
  }
  const char *rest = cell->data;
  const char *end = cell->data + cell->len;
  char *put = out;
  for (; count > 0; count--) {
    const char *at = memmem(rest, (size_t)(end - rest), from->data, from->len);
    put = (char *)memcpy(put, rest, (size_t)(at - rest)) + (at - rest);
    put = (char *)memcpy(put, to->data, to->len) + to->len;
    rest = at + from->len;
  }
  memcpy(put, rest, (size_t)(end - rest));
  bool changed = len != cell->len || memcmp(out, cell->data, len) != 0;
  cell->data = out;
  cell->len = (uint32_t)len;
  return changed;
}

static size_t count_digits(const char *at, const char *end) {
  const char *start = at;
  while (at < end && *at >= '0' && *at <= '9')
    at++;
  return (size_t)(at - start);
}

static bool starts_with(const char *at, const char *end, const Field *mark) {
  return mark->len > 0 && (size_t)(end - at) >= mark->len && memcmp(at, mark->data, mark->len) == 0;
}

// Writes the number with a point and without marks between thousands to `out`, which has room for
// the cell. Strict: the marks come before every three digits, or nowhere. Returns the length, 0
// when it is not such a number.
static size_t read_decimal(const Operation *operation, const Field *cell, char *out) {
  Field number = *cell;
  trim_edges(&number);
  const char *at = number.data, *end = at + number.len;
  const Field *mark = &operation->values[0], *thousands = &operation->values[1];
  char *put = out;
  if (at < end && (*at == '-' || *at == '+'))
    *put++ = *at++;
  size_t digits = count_digits(at, end), group = digits;
  for (;;) {
    put = (char *)memcpy(put, at, group) + group;
    at += group;
    if (!starts_with(at, end, thousands))
      break;
    group = count_digits(at + thousands->len, end);
    if (digits < 1 || digits > 3 || group != 3)
      return 0;
    at += thousands->len;
  }
  if (starts_with(at, end, mark)) {
    at += mark->len;
    size_t decimals = count_digits(at, end);
    *put++ = '.';
    put = (char *)memcpy(put, at, decimals) + decimals;
    at += decimals;
    digits += decimals;
  }
  return at == end && digits > 0 ? (size_t)(put - out) : 0;
}

static bool decimal(const Operation *operation, Field *cell, Arena *arena) {
  char *out = arena_alloc(arena, cell->len + 1);
  size_t len = out ? read_decimal(operation, cell, out) : 0;
  if (len == 0 || (len == cell->len && memcmp(out, cell->data, len) == 0))
    return false;
  cell->data = out;
  cell->len = (uint32_t)len;
  return true;
}

static bool decimal_refuses(const Operation *operation, const Field *cell) {
  char digits[256];
  return cell->len >= sizeof digits || read_decimal(operation, cell, digits) == 0;
}

static void decimal_reason(const Operation *operation, Line *line) {
  const Field *mark = &operation->values[0], *thousands = &operation->values[1];
  line_put(line, "not a number with ");
  line_put_quoted(line, mark->data, mark->len);
  line_put(line, " before decimals");
  if (thousands->len > 0) {
    line_put(line, " and ");
    line_put_quoted(line, thousands->data, thousands->len);
    line_put(line, " between thousands");
  }
}

// Marks of numbers: of one character that cannot be part of one.
static bool is_mark(const Field *mark, const Field *other) {
  if (mark->null || mark->len == 0 || mark->len > 4 ||
      (mark->len == other->len && memcmp(mark->data, other->data, mark->len) == 0))
    return false;
  for (uint32_t i = 0; i < mark->len; i++)
    if (memchr("0123456789+-", mark->data[i], 12))
      return false;
  return true;
}

static const char *decimal_problem(const Operation *operation, uint32_t *which) {
  const Field *mark = &operation->values[0], *thousands = &operation->values[1];
  *which = 0;
  if (!is_mark(mark, thousands))
    return "decimal needs a mark before the decimals, not";
  *which = 1;
  return thousands->len > 0 && !is_mark(thousands, mark)
             ? "decimal needs a mark between thousands, not"
             : NULL;
}

static const char *replace_problem(const Operation *operation, uint32_t *which) {
  *which = 0;
  return operation->values[0].len == 0 ? "replace needs a text to look for, not" : NULL;
}

static bool fill(const Operation *operation, Field *cell, Arena *arena) {
  (void)arena;
  *cell = operation->values[0];
  return true;
}

const OperationKind operation_trim = {.name = "trim", .apply = trim, .edge = true};
const OperationKind operation_unquote = {.name = "unquote", .apply = unquote, .edge = true};

// After the two above.
static const OperationKind kinds[] = {
    {.name = "null_if", .constants = {{"values*"}}, .apply = null_if, .ignores_case = true},
    {.name = "lower", .apply = lower},
    {.name = "upper", .apply = upper},
    {.name = "replace",
     .constants = {{"from", "to"}},
     .apply = replace,
     .problem = replace_problem},
    {.name = "decimal",
     .constants = {{"mark", "thousands?"}},
     .apply = decimal,
     .refuses = decimal_refuses,
     .reason = decimal_reason,
     .problem = decimal_problem},
    {.name = "default", .constants = {{"value"}}, .apply = fill, .fills_null = true},
};

enum { KIND_COUNT = sizeof kinds / sizeof *kinds, EDGES = 2 };

const OperationKind *operation_kind(size_t i) {
  if (i < EDGES)
    return i == 0 ? &operation_trim : &operation_unquote;
  return i < EDGES + KIND_COUNT ? &kinds[i - EDGES] : NULL;
}

const OperationKind *operation_find(const char *name) {
  const OperationKind *kind;
  for (size_t i = 0; (kind = operation_kind(i)); i++)
    if (strcmp(kind->name, name) == 0)
      return kind;
  return NULL;
}
