// Lets specs run one program over many records with one scratch, as a load does, and see the bytes.
//
// Reads records from stdin, one a line: the fields' text in hexadecimal, "-" for null, separated by
// blanks. Answers each with the verdict and the binary fields in hexadecimal, or the reason; at the
// end of input come the counts. The program is the one spec/program_spec.lua writes down in Lua.
#include <stdio.h>
#include <stdlib.h>

#include "rules/program.h"
#include "rules/program_build.h"

#define TEXT(literal) ((Field){.data = literal, .len = sizeof literal - 1})

enum { COLUMNS = 4 };

static void check(bool good, const Error *error) {
  if (good)
    return;
  fprintf(stderr, "%s\n", error->message);
  exit(1);
}

static void add_column(Program *program, const char *name, const char *sql_type) {
  Type type;
  Error error;
  Field text = {.data = name, .len = (uint32_t)strlen(name)};
  if (!type_from_name(sql_type, &type))
    exit(1);
  check(program_add_column(program, &text, &type, NULL, &error), &error);
}

static void add_operation(Program *program, const char *name, const Field *values, size_t count) {
  Error error;
  check(program_add_operation(program, operation_find(name), values, count, true, &error), &error);
}

static void add_check(Program *program, const char *name, const Field *values, size_t count) {
  Error error;
  check(program_add_check(program, check_find(name), values, count, &error), &error);
}

static Program *build(void) {
  Error error;
  Program *program = program_new();
  const Field nulls[] = {TEXT(""), TEXT("null")};
  const Field names[] = {TEXT("a"), TEXT("xyz")};
  const Field range[] = {TEXT("-100"), TEXT("100")};
  add_column(program, "amount", "numeric(8,2)");
  add_operation(program, "trim", NULL, 0);
  add_operation(program, "null_if", nulls, 2);
  add_check(program, "range", range, 2);
  check(program_set_failure(program, FAILURE_NULL, NULL, &error), &error);
  add_column(program, "name", "text");
  add_operation(program, "lower", NULL, 0);
  add_operation(program, "replace", names, 2);
  const Field pattern = TEXT("^[a-z ]*$");
  add_check(program, "matches", &pattern, 1);
  add_column(program, "code", "uuid");
  add_check(program, "required", NULL, 0);
  add_column(program, "day", "date");
  check(program_finish(program, &error), &error);
  return program;
}

// Decodes one word in place; returns the rest of the line.
static char *read_field(char *word, Field *field) {
  char *end = strpbrk(word, " \n");
  char *out = word;
  *field = (Field){.data = word, .null = word[0] == '-'};
  for (char *in = word; !field->null && in < end; in += 2) {
    char digits[3] = {in[0], in[1], 0};
    *out++ = (char)strtol(digits, NULL, 16);
  }
  field->len = (uint32_t)(out - word);
  return end + 1;
}

static void print_hex(const Buffer *bytes) {
  for (size_t i = 0; i < bytes->len; i++)
    printf("%02x", (unsigned char)bytes->data[i]);
  puts("");
}

static void run_line(const Program *program, Scratch *scratch, char *line, Buffer *out) {
  static const uint32_t map[COLUMNS] = {3, 2, 1, 0}; // the file has the columns in reverse
  Field fields[COLUMNS];
  for (int i = 0; i < COLUMNS; i++)
    line = read_field(line, &fields[i]);
  if (program_run(program, scratch, fields, map) != VERDICT_PASS) {
    const Reject *reject = scratch_reject(scratch);
    printf("%d %s %s\n", reject->column, reject->rule, reject->reason);
    return;
  }
  buffer_clear(out);
  program_encode(program, scratch, out);
  print_hex(out);
}

int main(void) {
  char *line = NULL;
  size_t size = 0;
  Buffer out = {0};
  Program *program = build();
  Scratch *scratch = scratch_new(program);
  while (getline(&line, &size, stdin) > 0)
    run_line(program, scratch, line, &out);
  for (size_t i = 0; i < program_count_slots(program); i++) {
    RuleCount count;
    scratch_count(program, scratch, i, &count);
    printf("%s %s: %llu\n", count.column, count.rule, (unsigned long long)count.count);
  }
  free(line);
  buffer_free(&out);
  scratch_free(scratch);
  program_free(program);
}
