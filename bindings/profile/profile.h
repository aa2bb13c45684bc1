// The profile of the records of one table: of each column, with a sample of records. One per
// thread, merged at the end.
//
// Memory is bounded by bytes: per column a table of distinct values with their texts or, if there
// are many, a sketch; and one sample (profile/sample.h). Nothing is allocated per record. Running
// out of memory costs the profile of a column, or of all, but never affects records.
#ifndef PGHOST_PROFILE_PROFILE_H
#define PGHOST_PROFILE_PROFILE_H

#include "profile/column.h"
#include "profile/hash.h"
#include "rules/program.h"

// Up to this many distinct values of a column are counted exactly; fewer in a table of many
// columns.
enum { DIFFERENT_VALUES = 256, DIFFERENT_VALUES_WIDE = 64, WIDE_COLUMNS = 200 };

typedef struct Profile {
  const Program *program; // borrowed
  ColumnProfile *columns;
  size_t column_count;
  uint64_t rows;     // records included
  uint64_t left_out; // records with values that only the server can read
  Sample sample;
  bool failed; // out of memory: the profile is unusable
} Profile;

Profile *profile_new(const Program *program); // NULL: no memory
void profile_free(Profile *profile);          // NULL is fine

// Adds the record that has just passed. `place` identifies the record and is the same whenever the
// same file is read.
void profile_add(Profile *profile, const Scratch *scratch, uint64_t place);

// Whether all columns are of type text.
bool profile_is_of_texts(const Profile *profile);

// Adds a record of texts: of column i the field map[i], or NULL (PROFILE_NO_FIELD).
#define PROFILE_NO_FIELD UINT32_MAX
void profile_add_fields(Profile *profile, const Field *fields, const uint32_t *map, uint64_t place);

// Both must be of the same program.
void profile_merge(Profile *into, const Profile *from);

// The same, without a copy if possible. `from` is only to be freed then.
void profile_take(Profile *into, Profile *from);

// Numbers for profile_add: one for the file, from its name; and from that one for a line.
uint64_t profile_file(const char *name);
static inline uint64_t profile_place(uint64_t file, int64_t line) {
  return hash_integer(file + (uint64_t)line * HASH_STEP);
}

#endif
