// Checks on typed values, and the reasons they give.
#include "rules/rule_checks.h"

#include <stdio.h>

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

bool check_compile_pattern(Check *check, const Field *pattern, char *message, size_t size) {
  int code;
  size_t offset;
  uint32_t options = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C;
  check->pattern =
      pcre2_compile((PCRE2_SPTR)pattern->data, pattern->len, options, &code, &offset, NULL);
  if (!check->pattern) {
    unsigned char text[256];
    pcre2_get_error_message(code, text, sizeof text);
    snprintf(message, size, "%s at character %zu", (const char *)text, offset + 1);
    return false;
  }
  pcre2_jit_compile(check->pattern, PCRE2_JIT_COMPLETE); // without JIT it is only slower
  check->pattern_text = *pattern;
  return true;
}

const char *check_name(CheckKind kind) {
  static const char *const names[] = {"one_of", "range", "length", "matches"};
  return names[kind];
}

static bool is_one_of(const Check *check, const Type *type, const Value *value,
                      const Buffer *typed) {
  uint32_t low = 0;
  uint32_t high = check->value_count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    int order = type_compare(type, &check->values[middle], value, typed);
    if (order == 0)
      return true;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return false;
}

static bool is_in_range(const Check *check, const Type *type, const Value *value,
                        const Buffer *typed) {
  if (check->has_min && type_compare(type, value, &check->values[0], typed) < 0)
    return false;
  return !check->has_max || type_compare(type, value, &check->values[1], typed) <= 0;
}

static bool has_length(const Check *check, const Field *text) {
  if (text->len < check->min_length)
    return false; // fewer bytes, so fewer characters
  size_t characters = text_characters(text->data, text->len);
  return characters >= check->min_length && characters <= check->max_length;
}

static CheckResult matches(const Check *check, const Field *text, const Matcher *matcher) {
  int found = pcre2_match(check->pattern, (PCRE2_SPTR)text->data, text->len, 0, 0, matcher->data,
                          matcher->context);
  if (found >= 0)
    return CHECK_PASSED;
  return found == PCRE2_ERROR_NOMATCH ? CHECK_FAILED : CHECK_GAVE_UP;
}

static CheckResult result_of(bool passed) {
  return passed ? CHECK_PASSED : CHECK_FAILED;
}

CheckResult check_run(const Check *check, const Type *type, const Value *value, const Field *text,
                      const Buffer *typed, const Matcher *matcher) {
  switch (check->kind) {
  case CHECK_ONE_OF:
    return result_of(is_one_of(check, type, value, typed));
  case CHECK_RANGE:
    return result_of(is_in_range(check, type, value, typed));
  case CHECK_LENGTH:
    return result_of(has_length(check, text));
  case CHECK_MATCHES:
    return matches(check, text, matcher);
  }
  return CHECK_FAILED;
}

static void put_text(Line *line, const Field *text) {
  line_put_escaped(line, text->data, text->len, LISTED_VALUES * 4);
}

static void one_of_reason(const Check *check, Line *line) {
  line_put(line, "not one of ");
  for (uint32_t i = 0; i < check->value_count && i < LISTED_VALUES; i++) {
    line_put(line, i == 0 ? "'" : ", '");
    put_text(line, &check->texts[i]);
    line_put(line, "'");
  }
  if (check->value_count > LISTED_VALUES)
    line_put(line, ", ... (%u values)", (unsigned)check->value_count);
}

static void range_reason(const Check *check, Line *line) {
  if (check->has_min && check->has_max) {
    line_put(line, "out of range ");
    put_text(line, &check->texts[0]);
    line_put(line, "..");
    put_text(line, &check->texts[1]);
    return;
  }
  line_put(line, check->has_min ? "less than " : "greater than ");
  put_text(line, &check->texts[check->has_min ? 0 : 1]);
}

static void length_reason(const Check *check, const Field *text, Line *line) {
  size_t characters = text_characters(text->data, text->len);
  if (characters < check->min_length)
    line_put(line, "too short, %zu characters of at least %llu", characters,
             (unsigned long long)check->min_length);
  else
    line_put(line, "too long, %zu characters of at most %llu", characters,
             (unsigned long long)check->max_length);
}

void check_reason(const Check *check, CheckResult result, const Field *text, Line *line) {
  switch (check->kind) {
  case CHECK_ONE_OF:
    one_of_reason(check, line);
    break;
  case CHECK_RANGE:
    range_reason(check, line);
    break;
  case CHECK_LENGTH:
    length_reason(check, text, line);
    break;
  case CHECK_MATCHES:
    line_put(line, result == CHECK_GAVE_UP ? "gave up matching " : "does not match ");
    line_put_quoted(line, check->pattern_text.data, check->pattern_text.len);
    break;
  }
  line_put(line, ": ");
  line_put_quoted(line, text->data, text->len);
}
