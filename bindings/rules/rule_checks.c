// Checks on typed values, and the reasons they give.
#define _GNU_SOURCE // qsort_r
#include "rules/rule_checks.h"

#include <stdlib.h>
#include <string.h>

enum {
  LISTED_VALUES = 8,
  JIT_STACK_START = 32 * 1024,
  JIT_STACK_MAX = 1024 * 1024,
  MATCH_LIMIT =
      1000000, // steps of backtracking for one cell; PCRE2's own default is ten times that
};

bool matcher_open(Matcher *matcher) {
  matcher->data = pcre2_match_data_create(1, NULL);
  matcher->context = pcre2_match_context_create(NULL);
  if (!matcher->data || !matcher->context)
    return false;
  pcre2_set_match_limit(matcher->context, MATCH_LIMIT);
  matcher->stack = pcre2_jit_stack_create(JIT_STACK_START, JIT_STACK_MAX, NULL);
  if (matcher->stack) // none: no JIT here, or PCRE2 uses the machine stack
    pcre2_jit_stack_assign(matcher->context, NULL, matcher->stack);
  return true;
}

void matcher_free(Matcher *matcher) {
  pcre2_match_data_free(matcher->data);
  pcre2_match_context_free(matcher->context);
  pcre2_jit_stack_free(matcher->stack);
  *matcher = (Matcher){0};
}

// UTF, `$` only at the very end, unanchored, \d \w \s are ASCII.
static bool compile_pattern(Check *check, const Type *type, Line *problem) {
  (void)type;
  int code;
  size_t offset;
  const Field *text = &check->texts[0];
  uint32_t options = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C;
  check->pattern = pcre2_compile((PCRE2_SPTR)text->data, text->len, options, &code, &offset, NULL);
  if (!check->pattern) {
    unsigned char message[256];
    pcre2_get_error_message(code, message, sizeof message);
    line_put(problem, "bad pattern (%s at character %zu): ", (const char *)message, offset + 1);
    line_put_quoted(problem, text->data, text->len);
    return false;
  }
  pcre2_jit_compile(check->pattern, PCRE2_JIT_COMPLETE); // without JIT it is only slower
  return true;
}

static int order_values(const void *a, const void *b, void *type) {
  static const Buffer none;
  return type_compare(type, a, b, &none);
}

static bool sort_values(Check *check, const Type *type, Line *problem) {
  if (check->value_count == 0) {
    line_put(problem, "one_of needs at least one value");
    return false;
  }
  Type same = *type; // qsort_r takes no const
  qsort_r(check->values, check->value_count, sizeof *check->values, order_values, &same);
  return true;
}

enum { MIN, MAX }; // of range and length: their constants

static bool check_bounds(Check *check, const Type *type, Line *problem) {
  const Field *min = &check->texts[MIN];
  if (min->null && check->texts[MAX].null) {
    line_put(problem, "range needs a minimum, a maximum or both");
    return false;
  }
  static const Buffer none;
  if (min->null || check->texts[MAX].null ||
      type_compare(type, &check->values[MIN], &check->values[MAX], &none) <= 0)
    return true;
  line_put(problem, "range minimum is above the maximum: ");
  line_put_quoted(problem, min->data, min->len);
  return false;
}

static bool read_length(const Check *check, size_t which, uint64_t *length, Line *problem) {
  const Field *text = &check->texts[which];
  uint64_t n = 0;
  bool good = text->null || (text->len > 0 && text->len <= 18);
  for (uint32_t i = 0; good && i < text->len; i++) {
    good = text->data[i] >= '0' && text->data[i] <= '9';
    n = n * 10 + (uint64_t)(text->data[i] - '0');
  }
  if (good && !text->null)
    *length = n;
  if (!good) {
    line_put(problem, "length %s: integer from 0 expected, got ", which == MIN ? "min" : "max");
    line_put_quoted(problem, text->data, text->len);
  }
  return good;
}

static bool read_lengths(Check *check, const Type *type, Line *problem) {
  (void)type;
  check->max_length = UINT64_MAX;
  if (!read_length(check, MIN, &check->min_length, problem) ||
      !read_length(check, MAX, &check->max_length, problem))
    return false;
  if (check->min_length > check->max_length)
    line_put(problem, "length minimum is above the maximum");
  return check->min_length <= check->max_length;
}

static CheckResult result_of(bool passed) {
  return passed ? CHECK_PASSED : CHECK_FAILED;
}

static CheckResult is_one_of(const Check *check, const CheckInput *input) {
  uint32_t low = 0;
  uint32_t high = check->value_count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    int order = type_compare(input->type, &check->values[middle], input->value, input->typed);
    if (order == 0)
      return CHECK_PASSED;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return CHECK_FAILED;
}

static bool within(const Check *check, const CheckInput *input, size_t which, int sign) {
  return check->texts[which].null ||
         type_compare(input->type, input->value, &check->values[which], input->typed) * sign >= 0;
}

static CheckResult is_in_range(const Check *check, const CheckInput *input) {
  return result_of(within(check, input, MIN, 1) && within(check, input, MAX, -1));
}

static CheckResult has_length(const Check *check, const CheckInput *input) {
  if (input->text->len < check->min_length)
    return CHECK_FAILED; // fewer bytes, so fewer characters
  size_t characters = text_characters(input->text->data, input->text->len);
  return result_of(characters >= check->min_length && characters <= check->max_length);
}

static CheckResult matches(const Check *check, const CheckInput *input) {
  int found = pcre2_match(check->pattern, (PCRE2_SPTR)input->text->data, input->text->len, 0, 0,
                          input->matcher->data, input->matcher->context);
  if (found >= 0)
    return CHECK_PASSED;
  return found == PCRE2_ERROR_NOMATCH ? CHECK_FAILED : CHECK_GAVE_UP;
}

static void put_text(Line *line, const Field *text) {
  line_put_escaped(line, text->data, text->len, LISTED_VALUES * 4);
}

static void one_of_reason(const Check *check, CheckResult result, const Field *text, Line *line) {
  (void)result, (void)text;
  line_put(line, "not one of ");
  for (uint32_t i = 0; i < check->value_count && i < LISTED_VALUES; i++) {
    line_put(line, i == 0 ? "'" : ", '");
    put_text(line, &check->texts[i]);
    line_put(line, "'");
  }
  if (check->value_count > LISTED_VALUES)
    line_put(line, ", ... (%u values)", (unsigned)check->value_count);
}

static void range_reason(const Check *check, CheckResult result, const Field *text, Line *line) {
  (void)result, (void)text;
  const Field *min = &check->texts[MIN], *max = &check->texts[MAX];
  bool both = !min->null && !max->null;
  line_put(line, both ? "out of range " : min->null ? "greater than " : "less than ");
  put_text(line, min->null ? max : min);
  if (both) {
    line_put(line, "..");
    put_text(line, max);
  }
}

static void length_reason(const Check *check, CheckResult result, const Field *text, Line *line) {
  (void)result;
  size_t characters = text_characters(text->data, text->len);
  if (characters < check->min_length)
    line_put(line, "too short, %zu characters of at least %llu", characters,
             (unsigned long long)check->min_length);
  else
    line_put(line, "too long, %zu characters of at most %llu", characters,
             (unsigned long long)check->max_length);
}

static void matches_reason(const Check *check, CheckResult result, const Field *text, Line *line) {
  (void)text;
  line_put(line, result == CHECK_GAVE_UP ? "gave up matching " : "does not match ");
  line_put_quoted(line, check->texts[0].data, check->texts[0].len);
}

void check_reason(const Check *check, CheckResult result, const Field *text, Line *line) {
  check->kind->reason(check, result, text, line);
  line_put(line, ": ");
  line_put_quoted(line, text->data, text->len);
}

static const CheckKind kinds[] = {
    {.name = "required"},
    {.name = "one_of",
     .constants = {{"values*"}},
     .typed = true,
     .prepare = sort_values,
     .run = is_one_of,
     .reason = one_of_reason},
    {.name = "range",
     .constants = {{"min?", "max?"}},
     .typed = true,
     .prepare = check_bounds,
     .run = is_in_range,
     .reason = range_reason},
    {.name = "length",
     .constants = {{"min?", "max?"}},
     .prepare = read_lengths,
     .run = has_length,
     .reason = length_reason},
    {.name = "matches",
     .constants = {{"pattern"}},
     .prepare = compile_pattern,
     .run = matches,
     .reason = matches_reason},
};

enum { KIND_COUNT = sizeof kinds / sizeof *kinds };

const CheckKind *check_kind(size_t i) {
  return i < KIND_COUNT ? &kinds[i] : NULL;
}

const CheckKind *check_find(const char *name) {
  for (size_t i = 0; i < KIND_COUNT; i++)
    if (strcmp(kinds[i].name, name) == 0)
      return &kinds[i];
  return NULL;
}
