// Checks: what must hold for a column's typed value. A null passes (that is `required`'s business).
//
// Each is data, built once and shared by threads; the state for matching patterns is in a Matcher,
// one per thread.
#ifndef PGHOST_RULES_RULE_CHECKS_H
#define PGHOST_RULES_RULE_CHECKS_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/field.h"
#include "rules/constants.h"
#include "rules/text.h"
#include "rules/type.h"

typedef struct CheckKind CheckKind;

typedef struct Check {
  const CheckKind *kind;
  uint32_t slot; // its count, where a failure does not reject
  uint32_t value_count;
  const Field *texts; // the constants, in the order written; null: not given
  Value *values;      // `typed`: the same as values of the column's type
  uint64_t min_length;
  uint64_t max_length;
  pcre2_code *pattern;
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

// What a check looks at: a value that is not null, and its cleaned text.
typedef struct CheckInput {
  const Type *type;
  const Value *value;
  const Field *text;
  const Buffer *typed; // bytes of the value
  const Matcher *matcher;
} CheckInput;

// A kind of check, described by one row of rule_checks.c.
struct CheckKind {
  const char *name; // "one_of"
  Constants constants;
  bool typed; // its constants are values of the column's type, and are compared with others
  // NULL, or makes the check ready once texts and values are set. False: the line says what is
  // wrong with it, after the column's name.
  bool (*prepare)(Check *check, const Type *type, Line *problem);
  // NULL: nothing to run, the column is required.
  CheckResult (*run)(const Check *check, const CheckInput *input);
  void (*reason)(const Check *check, CheckResult result, const Field *text, Line *line);
};

// The kinds by index, NULL after the last; the kind of that name, or NULL.
const CheckKind *check_kind(size_t i);
const CheckKind *check_find(const char *name);

// Appends why it failed: "out of range 1..10: '11'".
void check_reason(const Check *check, CheckResult result, const Field *text, Line *line);

#endif
