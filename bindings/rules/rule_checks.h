// Checks: what must hold for a column's typed value. A null passes (that is `required`'s business).
//
// Each is data, built once and shared by threads; what matching a pattern needs besides is in a
// Matcher, one per thread.
#ifndef PGHOST_RULES_RULE_CHECKS_H
#define PGHOST_RULES_RULE_CHECKS_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "csv/batch.h"
#include "rules/text.h"
#include "rules/type.h"

typedef enum CheckKind {
  CHECK_ONE_OF,
  CHECK_RANGE,   // both bounds inclusive
  CHECK_LENGTH,  // characters of the cleaned text
  CHECK_MATCHES, // the pattern is found in the cleaned text
} CheckKind;

typedef struct Check {
  CheckKind kind;
  uint32_t slot; // its count, where a failure does not reject
  bool has_min;
  bool has_max;
  uint32_t value_count;
  const Value *values; // one_of: sorted by type_compare; range: min, max
  const Field *texts;  // the same for people, in the order written
  uint64_t min_length;
  uint64_t max_length;
  pcre2_code *pattern;
  Field pattern_text;
} Check;

typedef enum CheckResult {
  CHECK_PASSED,
  CHECK_FAILED,
  CHECK_GAVE_UP, // matches: the match limit was reached, or the text is not UTF-8
} CheckResult;

typedef struct Matcher {
  pcre2_match_data *data; // NULL: unused
  pcre2_match_context *context;
  pcre2_jit_stack *stack;
} Matcher;

// False when there is no memory; matcher_free is needed in both cases.
bool matcher_open(Matcher *matcher);
void matcher_free(Matcher *matcher);

// Compiles `pattern`: UTF, `$` only at the very end, unanchored, \d \w \s are ASCII. False: a
// message of the library ("missing closing parenthesis at character 5") is in `message`.
bool check_compile_pattern(Check *check, const Field *pattern, char *message, size_t size);

// The name people know it by: "one_of".
const char *check_name(CheckKind kind);

// Looks at a value that is not null. `typed` holds bytes of the value.
CheckResult check_run(const Check *check, const Type *type, const Value *value, const Field *text,
                      const Buffer *typed, const Matcher *matcher);

// Appends why it failed: "out of range 1..10: '11'".
void check_reason(const Check *check, CheckResult result, const Field *text, Line *line);

#endif
