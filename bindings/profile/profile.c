// See profile.h.
#include "profile/profile.h"

#include <stdlib.h>

Profile *profile_new(const Program *program) {
  Profile *profile = calloc(1, sizeof *profile);
  if (!profile)
    return NULL;
  size_t count = program_column_count(program);
  profile->program = program;
  profile->columns = calloc(count + 1, sizeof *profile->columns);
  bool good = profile->columns && sample_init(&profile->sample, count);
  uint32_t values = count > WIDE_COLUMNS ? DIFFERENT_VALUES_WIDE : DIFFERENT_VALUES;
  for (size_t i = 0; good && i < count; i++, profile->column_count++)
    good = column_profile_init(&profile->columns[i], program_column_type(program, i), values);
  if (good)
    return profile;
  profile_free(profile);
  return NULL;
}

void profile_free(Profile *profile) {
  if (!profile)
    return;
  for (size_t i = 0; i < profile->column_count; i++)
    column_profile_free(&profile->columns[i]);
  free(profile->columns);
  sample_free(&profile->sample);
  free(profile);
}

void profile_add(Profile *profile, const Scratch *scratch, uint64_t place) {
  if (scratch_odd_count(scratch) > 0) {
    profile->left_out++;
    return;
  }
  profile->rows++;
  const Value *values = scratch_value(scratch, 0);
  const Field *texts = scratch_text(scratch, 0);
  const Buffer *typed = scratch_typed(scratch);
  column_profiles_add(profile->columns, profile->column_count, values, texts, typed);
  if (place >= profile->sample.limit)
    return;
  SampleCell *cells = sample_take(&profile->sample, place);
  for (size_t i = 0; i < profile->column_count; i++)
    column_profile_sample(&profile->columns[i], &values[i], &texts[i], typed, &cells[i]);
}

bool profile_is_of_texts(const Profile *profile) {
  for (size_t i = 0; i < profile->column_count; i++)
    if (profile->columns[i].form != PROFILE_TEXT)
      return false;
  return true;
}

static const Field no_field = {.data = "", .null = true};

static const Field *field_of(const Field *fields, uint32_t at) {
  return at == PROFILE_NO_FIELD ? &no_field : &fields[at];
}

void profile_add_fields(Profile *profile, const Field *fields, const uint32_t *map,
                        uint64_t place) {
  profile->rows++;
  for (size_t i = 0; i < profile->column_count; i++)
    column_profile_add_text(&profile->columns[i], field_of(fields, map[i]));
  if (place >= profile->sample.limit)
    return;
  SampleCell *cells = sample_take(&profile->sample, place);
  for (size_t i = 0; i < profile->column_count; i++) {
    const Field *field = field_of(fields, map[i]);
    Value value = {.null = field->null};
    column_profile_sample(&profile->columns[i], &value, field, NULL, &cells[i]);
  }
}

void profile_merge(Profile *into, const Profile *from) {
  into->failed = into->failed || from->failed;
  into->rows += from->rows;
  into->left_out += from->left_out;
  for (size_t i = 0; i < into->column_count; i++)
    column_profile_merge(&into->columns[i], &from->columns[i]);
  sample_merge(&into->sample, &from->sample);
}

void profile_take(Profile *into, Profile *from) {
  if (into->failed || from->failed || into->rows > 0 || into->left_out > 0) {
    profile_merge(into, from);
    return;
  }
  Profile empty = *into;
  *into = *from;
  *from = empty;
}

uint64_t profile_file(const char *name) {
  uint64_t high;
  return hash_bytes(name, strlen(name), &high);
}
