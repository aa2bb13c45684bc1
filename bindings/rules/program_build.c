// Building a program: copies, checks of sense, constants parsed by their column's type.
#include "rules/program_build.h"

#include <stdio.h>
#include <stdlib.h>

#include "rules/program.h"
#include "rules/program_parts.h"

enum { MAX_LABEL = 63 }; // bytes; NAMEDATALEN - 1 of PostgreSQL

static bool no_memory(Error *error) {
  return error_set(error, "memory", "out of memory for the rules");
}

// Prefixes the error with "column 'x': ".
static bool column_error(const Column *column, Error *error, const char *reason,
                         const Field *value) {
  char text[512];
  Line line = line_start(text, sizeof text);
  line_put(&line, "column '%s': %s", column->name, reason);
  if (value) {
    line_put(&line, " ");
    line_put_quoted(&line, value->data, value->len);
  }
  return error_set(error, "usage", "%s", text);
}

// Makes room for one more item of `size` bytes in a growable list.
static bool grow(void **items, size_t *cap, size_t count, size_t size) {
  if (count < *cap)
    return true;
  size_t more = *cap ? *cap * 2 : 16;
  void *grown = realloc(*items, more * size);
  if (!grown)
    return false;
  *items = grown;
  *cap = more;
  return true;
}

static bool copy_field(Program *program, const Field *field, Field *out) {
  if (field->null) {
    *out = (Field){.data = "", .null = true};
    return true;
  }
  *out = (Field){.data = arena_copy(&program->memory, field->data, field->len), .len = field->len};
  return out->data != NULL;
}

static const Field *copy_fields(Program *program, const Field *fields, size_t count) {
  Field *copies = arena_alloc(&program->memory, (count + 1) * sizeof *copies);
  for (size_t i = 0; copies && i < count; i++)
    if (!copy_field(program, &fields[i], &copies[i]))
      return NULL;
  return copies;
}

static Column *last_column(const Program *program) {
  return &program->columns[program->column_count - 1];
}

// How many slots the column already has for things of this name.
static unsigned count_slots(const Program *program, const Column *column, const char *name) {
  unsigned count = 0;
  for (size_t i = 0; i < program->slot_count; i++)
    count += program->slots[i].column == column->name && strcmp(program->slots[i].name, name) == 0;
  return count;
}

// A count for something called `name` (a constant); the second of the column is called "name 2".
static bool add_slot(Program *program, const Column *column, const char *name, const char *suffix,
                     uint32_t *slot, Error *error) {
  char rule[64];
  unsigned before = count_slots(program, column, name);
  if (before > 0)
    snprintf(rule, sizeof rule, "%s %u%s", name, before + 1, suffix);
  else
    snprintf(rule, sizeof rule, "%s%s", name, suffix);
  char *copy = arena_copy(&program->memory, rule, strlen(rule));
  if (!copy || !grow((void **)&program->slots, &program->slot_cap, program->slot_count,
                     sizeof *program->slots))
    return no_memory(error);
  *slot = (uint32_t)program->slot_count;
  program->slots[program->slot_count++] =
      (Slot){.column = column->name, .rule = copy, .name = name};
  return true;
}

Program *program_new(void) {
  return calloc(1, sizeof(Program));
}

void program_free(Program *program) {
  if (!program)
    return;
  for (size_t i = 0; i < program->check_count; i++)
    pcre2_code_free(program->checks[i].pattern);
  free(program->columns);
  free(program->operations);
  free(program->checks);
  free(program->rows);
  free(program->slots);
  arena_free(&program->memory);
  free(program);
}

static bool copy_type_name(Program *program, Column *column, const char *name, size_t len) {
  column->type.name = arena_copy(&program->memory, name, len);
  return column->type.name != NULL;
}

static bool set_format(Program *program, const Column *column, Type *type, const char *format,
                       Error *error) {
  char *copy = arena_copy(&program->memory, format, strlen(format));
  if (!copy)
    return no_memory(error);
  const char *reason;
  return type_set_format(type, copy, &reason) ||
         error_set(error, "usage", "column '%s': bad format '%s': %s", column->name, format,
                   reason);
}

bool program_add_column(Program *program, const Field *name, const Type *type, const char *format,
                        Error *error) {
  char *copy = arena_copy(&program->memory, name->data, name->len);
  if (!copy || !grow((void **)&program->columns, &program->column_cap, program->column_count,
                     sizeof *program->columns))
    return no_memory(error);
  Column *column = &program->columns[program->column_count];
  *column = (Column){
      .name = copy,
      .type = *type,
      .operation_start = (uint32_t)program->operation_count,
      .check_start = (uint32_t)program->check_count,
  };
  program->column_count++;
  if (type->name && !copy_type_name(program, column, type->name, strlen(type->name)))
    return no_memory(error);
  return !format || set_format(program, column, &column->type, format, error);
}

bool program_add_format(Program *program, const char *format, Error *error) {
  Column *column = &program->columns[program->column_count - 1];
  Type *last = &column->type;
  while (last->next_format)
    last = (Type *)last->next_format;
  Type *type = arena_alloc(&program->memory, sizeof *type);
  if (!type)
    return no_memory(error);
  *type = column->type;
  type->next_format = NULL;
  if (!set_format(program, column, type, format, error))
    return false;
  last->next_format = type;
  return true;
}

bool program_set_ask(Program *program, const char *expression, Error *error) {
  char *copy = arena_copy(&program->memory, expression, strlen(expression));
  last_column(program)->ask = copy;
  return copy || no_memory(error);
}

static bool check_label(const Column *column, const Field *labels, size_t i, Error *error) {
  if (labels[i].len > MAX_LABEL)
    return column_error(column, error, "a label of an enum has at most 63 bytes:", &labels[i]);
  for (size_t k = 0; k < i; k++)
    if (labels[k].len == labels[i].len &&
        memcmp(labels[k].data, labels[i].data, labels[i].len) == 0)
      return column_error(column, error, "duplicate label", &labels[i]);
  return true;
}

bool program_set_labels(Program *program, const Field *labels, size_t count, Error *error) {
  Column *column = last_column(program);
  if (column->type.kind != &type_text && column->type.kind != &type_other)
    return column_error(column, error, "labels are for an enum, by its name, or text", NULL);
  if (count == 0)
    return column_error(column, error, "an enum needs at least one label", NULL);
  Label *copies = arena_alloc(&program->memory, count * sizeof *copies);
  for (size_t i = 0; copies && i < count; i++) {
    if (!check_label(column, labels, i, error))
      return false;
    char *text = arena_copy(&program->memory, labels[i].data, labels[i].len);
    if (!text)
      return no_memory(error);
    copies[i] = (Label){.text = text, .len = labels[i].len};
  }
  if (!copies)
    return no_memory(error);
  if (column->type.kind == &type_text)
    column->type.name = "text";
  column->type.kind = &type_enum;
  column->type.labels = copies;
  column->type.label_count = (uint32_t)count;
  return true;
}

bool program_set_domain(Program *program, const char *name, Error *error) {
  Column *column = last_column(program);
  Type domain;
  if (!type_from_name(name, &domain) || domain.kind != &type_other) {
    Field text = {.data = name, .len = (uint32_t)strlen(name)};
    return column_error(column, error, "not the name of a domain", &text);
  }
  return copy_type_name(program, column, name, strlen(name)) || no_memory(error);
}

bool program_add_operation(Program *program, const OperationKind *kind, const Field *values,
                           size_t count, bool ignore_case, Error *error) {
  Column *column = last_column(program);
  Operation operation = {.kind = kind, .ignore_case = ignore_case, .value_count = (uint32_t)count};
  operation.values = copy_fields(program, values, count);
  if (!operation.values || !grow((void **)&program->operations, &program->operation_cap,
                                 program->operation_count, sizeof *program->operations))
    return no_memory(error);
  uint32_t which = 0;
  const char *problem = kind->problem ? kind->problem(&operation, &which) : NULL;
  if (problem)
    return column_error(column, error, problem, &operation.values[which]);
  if (!add_slot(program, column, kind->name, "", &operation.slot, error))
    return false;
  operation_prepare(&operation);
  program->operations[program->operation_count++] = operation;
  if (kind->edge && column->edge_count == column->operation_count)
    column->edge_count++;
  column->operation_count++;
  return true;
}

// Parses a constant of the rules, `text` being the program's own copy; `what` says which it is.
static bool parse_constant(Program *program, const Column *column, const char *what,
                           const Field *text, Value *value, Error *error) {
  Buffer typed = {0};
  const char *reason = "";
  *value = (Value){0};
  bool good = type_parse(&column->type, text->data, text->len, &typed, value, &reason);
  if (good && type_has_bytes(column->type.kind)) {
    value->bytes = arena_copy(&program->memory, type_bytes(value, &typed), value->len);
    good = value->bytes != NULL;
    reason = "no memory for";
  }
  buffer_free(&typed);
  if (good)
    return true;
  char full[128];
  snprintf(full, sizeof full, "%s: %s", what, reason);
  return column_error(column, error, full, text);
}

static bool add_check(Program *program, const Check *check, Error *error) {
  Column *column = last_column(program);
  if (!grow((void **)&program->checks, &program->check_cap, program->check_count,
            sizeof *program->checks)) {
    pcre2_code_free(check->pattern);
    return no_memory(error);
  }
  program->checks[program->check_count++] = *check;
  column->check_count++;
  return true;
}

static bool is_comparable(const Column *column, const char *what, Error *error) {
  if (!column->type.kind->unordered)
    return true;
  char name[TYPE_NAME_SIZE];
  char text[TYPE_NAME_SIZE + 64];
  type_name(&column->type, name, sizeof name);
  snprintf(text, sizeof text, "%s needs values that can be compared, which %s cannot", what, name);
  return column_error(column, error, text, NULL);
}

// "range min", "one_of".
static void constant_label(const CheckKind *kind, size_t i, char *out, size_t size) {
  bool one = !kind->constants.names[1];
  const char *name = one ? "" : kind->constants.names[i];
  snprintf(out, size, "%s%s%.*s", kind->name, one ? "" : " ", (int)strcspn(name, "?"), name);
}

static bool parse_constants(Program *program, const Column *column, Check *check, Error *error) {
  check->values = arena_alloc(&program->memory, (check->value_count + 1) * sizeof *check->values);
  if (!check->values)
    return no_memory(error);
  for (size_t i = 0; i < check->value_count; i++) {
    char label[64];
    constant_label(check->kind, i, label, sizeof label);
    if (!check->texts[i].null &&
        !parse_constant(program, column, label, &check->texts[i], &check->values[i], error))
      return false;
  }
  return true;
}

bool program_add_check(Program *program, const CheckKind *kind, const Field *values, size_t count,
                       Error *error) {
  Column *column = last_column(program);
  Check check = {.kind = kind, .value_count = (uint32_t)count};
  char text[512];
  Line problem = line_start(text, sizeof text);
  if (!kind->run) {
    column->required = true;
    return true;
  }
  if (kind->typed && !is_comparable(column, kind->name, error))
    return false;
  check.texts = copy_fields(program, values, count);
  if (!check.texts)
    return no_memory(error);
  if (kind->typed && !parse_constants(program, column, &check, error))
    return false;
  if (kind->prepare && !kind->prepare(&check, &column->type, &problem))
    return column_error(column, error, text, NULL);
  program->has_patterns = program->has_patterns || check.pattern;
  return add_check(program, &check, error);
}

bool program_set_failure(Program *program, FailureAction action, const Field *value, Error *error) {
  Column *column = last_column(program);
  column->action = action;
  if (action != FAILURE_DEFAULT)
    return true;
  if (!copy_field(program, value, &column->fallback_text))
    return no_memory(error);
  return parse_constant(program, column, "on_fail default", &column->fallback_text,
                        &column->fallback, error);
}

static bool add_row(Program *program, const RowRule *row, Error *error) {
  if (!grow((void **)&program->rows, &program->row_cap, program->row_count, sizeof *program->rows))
    return no_memory(error);
  bool lua = row->kind >= ROW_LUA_CHECK;
  if (!lua && program->first_lua_row == program->row_count)
    program->first_lua_row++;
  program->rows[program->row_count++] = *row;
  return true;
}

bool program_add_compare(Program *program, size_t left, CompareOp op, size_t right, Error *error) {
  const Column *a = &program->columns[left];
  const Column *b = &program->columns[right];
  if (!type_comparable(&a->type, &b->type)) {
    char left_type[TYPE_NAME_SIZE];
    char right_type[TYPE_NAME_SIZE];
    type_name(&a->type, left_type, sizeof left_type);
    type_name(&b->type, right_type, sizeof right_type);
    return error_set(error, "usage", "compare: '%s' (%s) cannot be compared with '%s' (%s)",
                     a->name, left_type, b->name, right_type);
  }
  RowRule row = {.kind = ROW_COMPARE, .op = op, .left = (uint32_t)left, .right = (uint32_t)right};
  return add_row(program, &row, error);
}

bool program_add_filter(Program *program, size_t column, CompareOp op, const Field *value,
                        Error *error) {
  const Column *left = &program->columns[column];
  RowRule row = {.kind = ROW_FILTER, .op = op, .left = (uint32_t)column};
  if (op != COMPARE_IS_NULL && op != COMPARE_IS_NOT_NULL) {
    Field copy;
    if (!is_comparable(left, "filter", error))
      return false;
    if (!copy_field(program, value, &copy))
      return no_memory(error);
    if (!parse_constant(program, left, "filter", &copy, &row.value, error))
      return false;
  }
  return add_row(program, &row, error);
}

bool program_add_lua(Program *program, RowKind kind, const uint32_t *columns, size_t count,
                     size_t target, uint32_t function, Error *error) {
  uint32_t *copy = arena_alloc(&program->memory, (count + 1) * sizeof *copy);
  if (!copy)
    return no_memory(error);
  if (columns && count > 0)
    memcpy(copy, columns, count * sizeof *copy);
  RowRule row = {
      .kind = kind, .columns = copy, .column_count = (uint32_t)count, .function = function};
  row.whole_record = columns == NULL;
  if (kind == ROW_LUA_SET) {
    row.target = (uint32_t)target;
    program->set_count++;
    if (!add_slot(program, &program->columns[target], "set", "", &row.slot, error))
      return false;
  }
  return add_row(program, &row, error);
}

static bool add_failure_slot(Program *program, const Column *column, const char *rule,
                             uint32_t *slot, Error *error) {
  static const char *const suffixes[] = {" (reject)", " (null)", " (default)", " (warn)"};
  return add_slot(program, column, rule, suffixes[column->action], slot, error);
}

static bool add_failure_slots(Program *program, Column *column, Error *error) {
  if (!add_failure_slot(program, column, "type", &column->type_slot, error) ||
      !add_failure_slot(program, column, "required", &column->required_slot, error))
    return false;
  for (uint32_t i = 0; i < column->check_count; i++) {
    Check *check = &program->checks[column->check_start + i];
    if (!add_failure_slot(program, column, check->kind->name, &check->slot, error))
      return false;
  }
  return true;
}

// A default that its own column would refuse would reject every record without a value.
static bool check_defaults(Program *program, const Column *column, Error *error) {
  Arena arena = {0};
  bool good = true;
  for (uint32_t i = 0; good && i < column->operation_count; i++) {
    const Operation *operation = &program->operations[column->operation_start + i];
    if (!operation->kind->fills_null)
      continue;
    Field cell = operation->values[0];
    for (uint32_t k = 1; good && k < column->operation_count - i; k++) {
      if (operation_refuses(operation + k, &cell))
        good =
            column_error(column, error, "default is not what the operation after it takes:", &cell);
      operation_apply(operation + k, &cell, &arena);
    }
    Value value;
    good = good && (cell.null || parse_constant(program, column, "default", &cell, &value, error));
  }
  arena_free(&arena);
  return good;
}

bool program_finish(Program *program, Error *error) {
  if (program->column_count == 0)
    return error_set(error, "usage", "a rule table needs at least one column");
  for (size_t i = 0; i < program->column_count; i++) {
    Column *column = &program->columns[i];
    if (column->required && column->action == FAILURE_NULL)
      return column_error(column, error, "required cannot be combined with on_fail \"null\"", NULL);
    if (!check_defaults(program, column, error))
      return false;
    if (column->action != FAILURE_REJECT && !add_failure_slots(program, column, error))
      return false;
  }
  return true;
}
