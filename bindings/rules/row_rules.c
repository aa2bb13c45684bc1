// Row rules that need no Lua: comparisons between columns, and filters by one column's value.
#include "rules/row_rules.h"

#include "rules/program_parts.h"
#include "rules/scratch.h"

size_t program_row_count(const Program *program) {
  return program->row_count;
}

const RowRule *program_row(const Program *program, size_t row) {
  return &program->rows[row];
}

size_t program_first_lua_row(const Program *program) {
  return program->first_lua_row;
}

static bool holds(CompareOp op, int order) {
  switch (op) {
  case COMPARE_LESS:
    return order < 0;
  case COMPARE_LESS_EQUAL:
    return order <= 0;
  case COMPARE_EQUAL:
    return order == 0;
  case COMPARE_NOT_EQUAL:
    return order != 0;
  case COMPARE_GREATER_EQUAL:
    return order >= 0;
  case COMPARE_GREATER:
    return order > 0;
  case COMPARE_IS_NULL: // for values that are not null
    return false;
  case COMPARE_IS_NOT_NULL:
    return true;
  }
  return false;
}

// How a record is described when `op` does not hold.
static const char *broken_phrase(CompareOp op, bool is_moment) {
  static const char *const time_phrases[] = {"is not before",        "is after",  "is not equal to",
                                             "must not be equal to", "is before", "is not after"};
  static const char *const phrases[] = {"is not less than", "is greater than",
                                        "is not equal to",  "must not be equal to",
                                        "is less than",     "is not greater than"};
  return is_moment ? time_phrases[op] : phrases[op];
}

static void put_cell(Line *line, const Program *program, const Scratch *scratch, size_t column) {
  const Field *text = &scratch->texts[column];
  line_put(line, "%s ", program->columns[column].name);
  line_put_quoted(line, text->data, text->len);
}

static Verdict run_compare(const Program *program, Scratch *scratch, const RowRule *rule) {
  const Value *left = &scratch->values[rule->left];
  const Value *right = &scratch->values[rule->right];
  const Type *type = &program->columns[rule->left].type;
  if (left->null || right->null)
    return VERDICT_PASS;
  if (holds(rule->op, type_compare(type, left, right, &scratch->typed)))
    return VERDICT_PASS;
  Line line = scratch_reject_line(scratch, -1, "compare");
  put_cell(&line, program, scratch, rule->left);
  line_put(&line, " %s ", broken_phrase(rule->op, type->kind->is_moment));
  put_cell(&line, program, scratch, rule->right);
  return VERDICT_REJECT;
}

static Verdict run_filter(const Program *program, const Scratch *scratch, const RowRule *rule) {
  const Value *value = &scratch->values[rule->left];
  const Type *type = &program->columns[rule->left].type;
  if (value->null)
    return rule->op == COMPARE_IS_NULL ? VERDICT_FILTER : VERDICT_PASS;
  int order =
      rule->op < COMPARE_IS_NULL ? type_compare(type, value, &rule->value, &scratch->typed) : 0;
  return holds(rule->op, order) ? VERDICT_FILTER : VERDICT_PASS;
}

Verdict program_run_row(const Program *program, Scratch *scratch, size_t row) {
  const RowRule *rule = &program->rows[row];
  if (rule->kind == ROW_COMPARE)
    return run_compare(program, scratch, rule);
  return run_filter(program, scratch, rule);
}
