// Rules: programs made of an input's bytes, run over records made of the rest. What passes is well
// encoded and keeps to its rules; a scratch that has seen other records decides as a new one does.
//
// Bytes choose columns, operations, checks and row rules one after the other; texts are the bytes
// up to the next 0x1f.
#include "fuzz.h"
#include "fuzz_value.h"
#include "rules/program.h"
#include "rules/program_build.h"
#include "rules/row_rules.h"
#include "rules/text.h"

enum { MAX_COLUMNS = 4, MAX_STEPS = 6, MAX_RECORDS = 5, SEPARATOR = 0x1f };

static Buffer encoded, encoded_again, field;

// A text in memory of its own; the field is null when the text is "\".
static Field take_text(FuzzInput *input) {
  const uint8_t *end = input->left ? memchr(input->at, SEPARATOR, input->left) : NULL;
  FuzzInput part = {input->at, end ? (size_t)(end - input->at) : input->left};
  size_t used = part.left + (end != NULL);
  input->at += used;
  input->left -= used;
  char *text = fuzz_text(&part);
  char *exact = fuzz_copy(text, part.left);
  free(text);
  bool null = part.left == 1 && *exact == '\\';
  return (Field){exact, null ? 0 : (uint32_t)part.left, null};
}

static void free_texts(Field *texts, size_t count) {
  for (size_t i = 0; i < count; i++)
    free((char *)texts[i].data);
}

// Not null: rules have values.
static Field take_value(FuzzInput *input) {
  Field text = take_text(input);
  text.len = text.null ? 1 : text.len;
  text.null = false;
  return text;
}

static bool add_column(Program *program, FuzzInput *input, size_t index, Error *error) {
  static const char *const formats[] = {NULL, "DD.MM.YYYY", "HH24:MI", "YYYYMMDDHH24MISS"};
  static const char *const names[] = {"a", "b", "c", "d"};
  uint8_t kind = fuzz_byte(input), number = fuzz_byte(input);
  Field name = {names[index], 1, false};
  Type type = {.kind = fuzz_kind(kind % FUZZ_SCALARS)};
  fuzz_set_numbers(&type, number, number % 5);
  bool has_format = type.kind->parameter == PARAMETER_FORMAT;
  return program_add_column(program, &name, &type, has_format ? formats[number & 3] : NULL, error);
}

// As many as the kind has; of a list two.
static size_t take_constants(FuzzInput *input, const Constants *constants,
                             Field values[MAX_CONSTANTS]) {
  size_t count = 0;
  for (; constants->names[count]; count++)
    values[count] = take_value(input);
  if (count == 1 && strchr(constants->names[0], '*'))
    values[count++] = take_value(input);
  return count;
}

static bool add_operation(Program *program, FuzzInput *input, Error *error) {
  uint8_t choice = fuzz_byte(input);
  size_t kinds = 0;
  while (operation_kind(kinds))
    kinds++;
  const OperationKind *kind = operation_kind(choice % kinds);
  Field values[MAX_CONSTANTS];
  size_t count = take_constants(input, &kind->constants, values);
  bool good = program_add_operation(program, kind, values, count, choice & 128, error);
  free_texts(values, count);
  return good;
}

static bool add_check(Program *program, FuzzInput *input, const char *name, uint8_t choice,
                      Error *error) {
  const CheckKind *kind = check_find(name);
  Field values[MAX_CONSTANTS];
  size_t count = take_constants(input, &kind->constants, values);
  for (size_t i = 0; kind->constants.names[i]; i++)
    values[i].null = strchr(kind->constants.names[i], '?') && !(choice & 2 << i);
  bool good = program_add_check(program, kind, values, count, error);
  free_texts(values, count);
  return good;
}

static bool add_failure(Program *program, FuzzInput *input, Error *error) {
  FailureAction action = fuzz_byte(input) & 3;
  Field value = take_value(input);
  bool good = program_set_failure(program, action, &value, error);
  free_texts(&value, 1);
  return good;
}

// One more rule of the column added last.
static bool add_rule(Program *program, FuzzInput *input, Error *error) {
  uint8_t choice = fuzz_byte(input);
  switch (choice >> 5) {
  case 0:
  case 1:
    return add_operation(program, input, error);
  case 2:
    return add_check(program, input, "required", choice, error);
  case 3:
    return add_check(program, input, choice & 1 ? "one_of" : "range", choice, error);
  case 4:
    return add_check(program, input, "length", choice, error);
  case 5:
    return add_check(program, input, "matches", choice, error);
  case 6:
    return add_failure(program, input, error);
  default:
    return true;
  }
}

static bool add_row_rule(Program *program, FuzzInput *input, size_t columns, Error *error) {
  uint8_t choice = fuzz_byte(input), op = fuzz_byte(input);
  size_t left = (choice & 3) % columns, right = (choice >> 2 & 3) % columns;
  if (choice & 16)
    return program_add_compare(program, left, op % (COMPARE_GREATER + 1), right, error);
  if (choice & 32) {
    Field value = take_value(input);
    bool good = program_add_filter(program, left, op % (COMPARE_IS_NOT_NULL + 1), &value, error);
    free_texts(&value, 1);
    return good;
  }
  return true;
}

// NULL when the rules make no sense.
static Program *make_program(FuzzInput *input, size_t columns) {
  Error error = {.message = ""};
  Program *program = program_new();
  bool good = true;
  for (size_t i = 0; good && i < columns; i++) {
    good = add_column(program, input, i, &error);
    for (size_t steps = fuzz_byte(input) % (MAX_STEPS + 1); good && steps > 0; steps--)
      good = add_rule(program, input, &error);
  }
  for (size_t rows = fuzz_byte(input) & 3; good && rows > 0; rows--)
    good = add_row_rule(program, input, columns, &error);
  if (good && program_finish(program, &error))
    return program;
  fuzz_check(*error.message && *error.code, "rules refused without a message");
  program_free(program);
  return NULL;
}

// One line that people can read.
static void check_line(const char *text, size_t size) {
  size_t len = strnlen(text, size);
  fuzz_check(len < size, "a line without its end");
  fuzz_check(text_storable(text, len), "a line that is no text");
  for (size_t i = 0; i < len; i++)
    fuzz_check((unsigned char)text[i] >= ' ', "a control character in a line");
}

static void check_reject(const Program *program, const Reject *reject) {
  fuzz_check(reject->rule && *reject->rule, "a reject without its rule");
  fuzz_check(reject->column >= -1 && reject->column < (int)program_column_count(program),
             "a reject of a column that is not there");
  fuzz_check(*reject->reason, "a reject without a reason");
  check_line(reject->reason, sizeof reject->reason);
}

// Each column's field by itself is what program_encode put there.
static void check_pass(const Program *program, const Scratch *scratch) {
  size_t at = 0;
  for (size_t i = 0; i < program_column_count(program); i++) {
    const Value *value = scratch_value(scratch, i);
    fuzz_check(encoded.len - at >= 4, "a field is missing");
    uint32_t len;
    memcpy(&len, encoded.data + at, sizeof len);
    len = __builtin_bswap32(len);
    at += 4;
    fuzz_check(value->null == (len == UINT32_MAX), "null is not null");
    fuzz_check(!value->null || !program_column_required(program, i), "a required column is null");
    if (value->null)
      continue;
    fuzz_check(len <= encoded.len - at, "a field is longer than the record");
    buffer_clear(&field);
    buffer_put(&field, encoded.data + at - 4, len + 4);
    fuzz_check_field(program_column_type(program, i), value, &field);
    fuzz_check_canonical(program_column_type(program, i), value, &field);
    at += len;
  }
  fuzz_check(at == encoded.len, "more fields than columns");
}

static Verdict run(const Program *program, Scratch *scratch, const Field *fields,
                   const uint32_t *map, Buffer *out) {
  buffer_clear(out);
  Verdict verdict = program_run(program, scratch, fields, map);
  if (verdict == VERDICT_PASS)
    program_encode(program, scratch, out);
  return verdict;
}

static void check_again(const Program *program, const Scratch *scratch, const Field *fields,
                        const uint32_t *map, Verdict verdict) {
  Scratch *fresh = scratch_new(program);
  fuzz_check(run(program, fresh, fields, map, &encoded_again) == verdict,
             "a new scratch decides otherwise");
  if (verdict == VERDICT_PASS)
    fuzz_check(encoded.len == encoded_again.len &&
                   memcmp(encoded.data, encoded_again.data, encoded.len) == 0,
               "a new scratch gives other bytes");
  if (verdict == VERDICT_REJECT)
    fuzz_check(strcmp(scratch_reject(scratch)->reason, scratch_reject(fresh)->reason) == 0,
               "a new scratch gives another reason");
  scratch_free(fresh);
}

// `last`: the scratch has seen most then.
static void check_record(const Program *program, Scratch *scratch, const Field *fields,
                         const uint32_t *map, bool last) {
  Verdict verdict = run(program, scratch, fields, map, &encoded);
  if (verdict == VERDICT_PASS)
    check_pass(program, scratch);
  if (verdict == VERDICT_REJECT)
    check_reject(program, scratch_reject(scratch));
  if (last)
    check_again(program, scratch, fields, map, verdict);
}

static void check_counts(const Program *program, const Scratch *scratch, size_t records) {
  for (size_t i = 0; i < program_count_slots(program); i++) {
    RuleCount count;
    scratch_count(program, scratch, i, &count);
    fuzz_check(count.count <= records, "more changes than cells");
    fuzz_check(count.sample_count <= CELL_SAMPLES && count.sample_count <= count.count,
               "more samples than cells");
    for (size_t k = 0; k < count.sample_count; k++) {
      check_line(count.samples[k].before, sizeof count.samples[k].before);
      check_line(count.samples[k].after, sizeof count.samples[k].after);
    }
    check_line(count.rule, 1024);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const uint32_t map[MAX_COLUMNS] = {2, 0, 3, 1};
  FuzzInput input = {data, size};
  size_t columns = 1 + (fuzz_byte(&input) & 3), records = 0;
  Program *program = make_program(&input, columns);
  if (!program)
    return 0;
  Scratch *scratch = scratch_new(program);
  for (; input.left > 0 && records < MAX_RECORDS; records++) {
    Field fields[MAX_COLUMNS];
    for (size_t i = 0; i < MAX_COLUMNS; i++)
      fields[i] = take_text(&input);
    bool last = input.left == 0 || records + 1 == MAX_RECORDS;
    check_record(program, scratch, fields, map, last);
    free_texts(fields, MAX_COLUMNS);
  }
  check_counts(program, scratch, records);
  scratch_free(scratch);
  program_free(program);
  return 0;
}
