// Running a program over records: clean, type, check, encode, count.
#include "rules/program.h"

#include "rules/program_parts.h"
#include "rules/row_rules.h"

enum { LISTED_LABELS = 8 };

size_t program_column_count(const Program *program) {
  return program->column_count;
}

const char *program_column_name(const Program *program, size_t column) {
  return program->columns[column].name;
}

const Type *program_column_type(const Program *program, size_t column) {
  return &program->columns[column].type;
}

bool program_column_required(const Program *program, size_t column) {
  return program->columns[column].required;
}

const char *program_column_ask(const Program *program, size_t column) {
  return program->columns[column].ask;
}

const Buffer *scratch_typed(const Scratch *scratch) {
  return &scratch->typed;
}

size_t scratch_odd_count(const Scratch *scratch) {
  return scratch->odd_count;
}

static const Field null_text = {.data = "", .null = true};

static void store_null(Scratch *scratch, size_t column) {
  scratch->values[column] = (Value){.null = true};
  scratch->texts[column] = null_text;
}

// A value broke its type, `required`, or the check at `slot`. True when the record may go on;
// *keep then tells whether the value stays and further checks are due.
static bool survives(const Column *column, size_t index, Scratch *scratch, uint32_t slot,
                     bool is_check, bool *keep) {
  Field before = scratch->texts[index];
  *keep = false;
  switch (column->action) {
  case FAILURE_REJECT:
    return false;
  case FAILURE_DEFAULT:
    scratch->values[index] = column->fallback;
    scratch->texts[index] = column->fallback_text;
    break;
  case FAILURE_WARN:
    *keep = is_check;
    if (!is_check && column->required)
      return false;
    if (!is_check)
      store_null(scratch, index);
    break;
  case FAILURE_NULL:
    store_null(scratch, index);
    break;
  }
  add_change(scratch, slot, &before, &scratch->texts[index]);
  return true;
}

static void put_labels(const Type *type, Line *line) {
  line_put(line, "not one of ");
  for (uint32_t i = 0; i < type->label_count && i < LISTED_LABELS; i++) {
    line_put(line, i == 0 ? "" : ", ");
    line_put_quoted(line, type->labels[i].text, type->labels[i].len);
  }
  if (type->label_count > LISTED_LABELS)
    line_put(line, ", ... (%u labels)", (unsigned)type->label_count);
  line_put(line, ": ");
}

static void type_reason(const Column *column, const char *reason, const Field *text, Line *line) {
  char name[TYPE_NAME_SIZE];
  const TypeKind *kind = column->type.kind;
  type_name(&column->type, name, sizeof name);
  if (kind->shortens_text)
    line_put(line, "%s for %s: ", reason, name);
  else if (column->type.label_count > 0)
    put_labels(&column->type, line);
  else
    line_put(line, column->type.element ? "%s in the array " : "%s ", reason);
  line_put_quoted(line, text->data, text->len);
  const char *before = ", expected ";
  for (const Type *type = &column->type; type && type->format; type = type->next_format) {
    line_put(line, "%s%s", before, type->format);
    before = " or ";
  }
}

// For text the value may be shorter than the cell: varchar drops blanks after its length, char all.
static void follow_value(const Column *column, const Value *value, Field *text) {
  if (column->type.kind->shortens_text && value->bytes) {
    text->data = value->bytes;
    text->len = value->len;
  }
}

static bool store_required(const Column *column, size_t index, Scratch *scratch) {
  bool keep;
  store_null(scratch, index);
  if (!column->required || survives(column, index, scratch, column->required_slot, false, &keep))
    return true;
  Line line = scratch_reject_line(scratch, (int)index, "required");
  line_put(&line, "is required");
  return false;
}

static bool run_checks(const Program *program, const Column *column, size_t index,
                       Scratch *scratch) {
  for (uint32_t i = 0; i < column->check_count; i++) {
    const Check *check = &program->checks[column->check_start + i];
    const Field *text = &scratch->texts[index];
    const CheckInput input = {&column->type, &scratch->values[index], text, &scratch->typed,
                              &scratch->matcher};
    CheckResult result = check->kind->run(check, &input);
    if (result == CHECK_PASSED)
      continue;
    bool keep;
    if (!survives(column, index, scratch, check->slot, true, &keep)) {
      Line line = scratch_reject_line(scratch, (int)index, check->kind->name);
      check_reason(check, result, text, &line);
      return false;
    }
    if (!keep)
      return true;
  }
  return true;
}

static bool has_sign(const Field *cell, const char *signs) {
  for (uint32_t i = 0; signs && i < cell->len; i++)
    if (cell->data[i] && strchr(signs, cell->data[i]))
      return true;
  return !signs;
}

// A value that the type cannot read but the server might: it is asked after the block.
static bool keep_odd(const Column *column, Scratch *scratch, const Field *cell, Value *value) {
  const TypeKind *kind = column->type.kind;
  if (!column->ask || kind->complete || !has_sign(cell, kind->odd_signs))
    return false;
  *value = (Value){.odd = true, .bytes = cell->data, .len = cell->len};
  scratch->odd_count++;
  return true;
}

// Types and checks a cleaned cell. False: rejected.
static bool store(const Program *program, Scratch *scratch, size_t index, const Field *cell) {
  const Column *column = &program->columns[index];
  if (cell->null)
    return store_required(column, index, scratch);
  Value *value = &scratch->values[index];
  const char *reason;
  scratch->texts[index] = *cell;
  value->null = false;
  if (type_parse(&column->type, cell->data, cell->len, &scratch->typed, value, &reason)) {
    follow_value(column, value, &scratch->texts[index]);
    return column->check_count == 0 || run_checks(program, column, index, scratch);
  }
  if (keep_odd(column, scratch, cell, value))
    return true;
  bool keep;
  if (survives(column, index, scratch, column->type_slot, false, &keep))
    return true;
  Line line = scratch_reject_line(scratch, (int)index, "type");
  type_reason(column, reason, cell, &line);
  return false;
}

static bool refuse_cell(const Column *column, Scratch *scratch, size_t index,
                        const Operation *operation, const Field *cell) {
  bool keep;
  scratch->texts[index] = *cell;
  if (survives(column, index, scratch, column->type_slot, false, &keep))
    return true;
  Line line = scratch_reject_line(scratch, (int)index, "type");
  operation->kind->reason(operation, &line);
  line_put(&line, ": ");
  line_put_quoted(&line, cell->data, cell->len);
  return false;
}

static bool run_column(const Program *program, Scratch *scratch, size_t index, Field cell) {
  const Column *column = &program->columns[index];
  uint32_t i = operation_edges_clean(&cell) ? column->edge_count : 0;
  for (; i < column->operation_count; i++) {
    const Operation *operation = &program->operations[column->operation_start + i];
    Field before = cell;
    if (operation_refuses(operation, &cell))
      return refuse_cell(column, scratch, index, operation, &cell);
    if (operation_apply(operation, &cell, &scratch->arena))
      add_change(scratch, operation->slot, &before, &cell);
  }
  return store(program, scratch, index, &cell);
}

// A cell for which there was no memory must not pass as something it is not.
static Verdict check_memory(Scratch *scratch) {
  if (!scratch->arena.failed && !scratch->typed.failed)
    return VERDICT_PASS;
  Line line = scratch_reject_line(scratch, -1, "memory");
  line_put(&line, "out of memory for this record");
  return VERDICT_REJECT;
}

Verdict program_run(const Program *program, Scratch *scratch, const Field *fields,
                    const uint32_t *map) {
  arena_reset(&scratch->arena);
  buffer_clear(&scratch->typed);
  scratch->change_count = scratch->odd_count = 0;
  for (size_t i = 0; i < program->column_count; i++)
    if (!run_column(program, scratch, i, fields[map[i]]))
      return VERDICT_REJECT;
  Verdict verdict = check_memory(scratch);
  for (size_t i = 0; verdict == VERDICT_PASS && i < program->first_lua_row; i++)
    verdict = program_run_row(program, scratch, i);
  if (verdict == VERDICT_PASS && program->first_lua_row == program->row_count)
    scratch_commit(scratch);
  return verdict;
}

static bool same_text(const Field *a, const Field *b) {
  if (a->null || b->null)
    return a->null == b->null;
  return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

Verdict scratch_set(const Program *program, Scratch *scratch, const RowRule *rule,
                    const Field *text) {
  Field before = scratch->texts[rule->target];
  Field copy = null_text;
  if (!text->null) {
    copy = (Field){.data = arena_copy(&scratch->arena, text->data, text->len), .len = text->len};
    if (!copy.data)
      return check_memory(scratch);
  }
  if (!store(program, scratch, rule->target, &copy))
    return VERDICT_REJECT;
  if (!same_text(&before, &copy))
    add_change(scratch, rule->slot, &before, &copy);
  return check_memory(scratch);
}

void program_encode(const Program *program, const Scratch *scratch, Buffer *out) {
  for (size_t i = 0; i < program->column_count; i++)
    type_encode(&program->columns[i].type, &scratch->values[i], &scratch->typed, out);
}

bool program_needs_text(const Program *program) {
  for (size_t i = 0; i < program->column_count; i++)
    if (program->columns[i].type.kind == &type_other)
      return true;
  return false;
}

void program_encode_text(const Program *program, const Scratch *scratch, Buffer *out) {
  for (size_t i = 0; i < program->column_count; i++) {
    const Field *text = &scratch->texts[i];
    if (i > 0)
      buffer_put_u8(out, '\t');
    type_encode_text(&program->columns[i].type, &scratch->values[i], text->data, text->len,
                     &scratch->typed, out);
  }
}

size_t program_count_slots(const Program *program) {
  return program->slot_count;
}
