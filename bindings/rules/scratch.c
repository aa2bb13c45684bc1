// Memory of a scratch, the current reject, and the counts of what cleaning changed.
#include "rules/scratch.h"

#include <stdlib.h>

#include "rules/program_parts.h"

Scratch *scratch_new(const Program *program) {
  Scratch *scratch = calloc(1, sizeof *scratch);
  if (!scratch)
    return NULL;
  scratch->program = program;
  scratch->values = calloc(program->column_count + 1, sizeof *scratch->values);
  scratch->texts = calloc(program->column_count + 1, sizeof *scratch->texts);
  scratch->counts = calloc(program->slot_count + 1, sizeof *scratch->counts);
  scratch->change_cap = program->slot_count * (1 + program->set_count); // each set may warn again
  scratch->changes = calloc(scratch->change_cap + 1, sizeof *scratch->changes);
  bool good = scratch->values && scratch->texts && scratch->counts && scratch->changes;
  if (!good || (program->has_patterns && !matcher_open(&scratch->matcher))) {
    scratch_free(scratch);
    return NULL;
  }
  return scratch;
}

void scratch_free(Scratch *scratch) {
  if (!scratch)
    return;
  free(scratch->values);
  free(scratch->texts);
  free(scratch->counts);
  free(scratch->changes);
  arena_free(&scratch->arena);
  buffer_free(&scratch->typed);
  matcher_free(&scratch->matcher);
  free(scratch);
}

const Reject *scratch_reject(const Scratch *scratch) {
  return &scratch->reject;
}

const Value *scratch_value(const Scratch *scratch, size_t column) {
  return &scratch->values[column];
}

const Field *scratch_text(const Scratch *scratch, size_t column) {
  return &scratch->texts[column];
}

enum { SAMPLE_TRIES = 1000 }; // cells in which samples of an operation are looked for

static void take_sample(const Field *text, char *out, size_t size) {
  Line line = line_start(out, size);
  line_put_escaped(&line, text->data, text->len, size);
}

static void add_sample(Count *count, const Change *change) {
  CellSample sample = {.before_null = change->before.null, .after_null = change->after.null};
  take_sample(&change->before, sample.before, sizeof sample.before);
  take_sample(&change->after, sample.after, sizeof sample.after);
  for (size_t i = 0; i < count->sample_count; i++)
    if (strcmp(sample.before, count->samples[i].before) == 0)
      return;
  count->samples[count->sample_count++] = sample;
}

void scratch_commit(Scratch *scratch) {
  for (size_t i = 0; i < scratch->change_count; i++) {
    const Change *change = &scratch->changes[i];
    Count *count = &scratch->counts[change->slot];
    if (count->count++ < SAMPLE_TRIES && count->sample_count < CELL_SAMPLES)
      add_sample(count, change);
  }
  scratch->change_count = 0;
}

Line scratch_reject_line(Scratch *scratch, int column, const char *rule) {
  scratch->reject.column = column;
  scratch->reject.rule = rule;
  return line_start(scratch->reject.reason, sizeof scratch->reject.reason);
}

void scratch_count(const Program *program, const Scratch *scratch, size_t i, RuleCount *out) {
  const Count *count = &scratch->counts[i];
  *out = (RuleCount){
      .column = program->slots[i].column,
      .rule = program->slots[i].rule,
      .count = count->count,
      .sample_count = count->sample_count,
  };
  memcpy(out->samples, count->samples, sizeof out->samples);
}
