// What must hold for a value of any type: how its binary field looks, and that its canonical text
// is read as the same field.
#ifndef PGHOST_SPEC_FUZZ_VALUE_H
#define PGHOST_SPEC_FUZZ_VALUE_H

#include "fuzz.h"
#include "rules/type.h"

// A day of the Gregorian calendar and a time of day.
typedef struct FuzzMoment {
  int64_t year;
  unsigned month, day, hour, minute, second, microsecond;
} FuzzMoment;

// What is left of the input as a NUL-terminated text that PostgreSQL could store, as type_parse may
// expect of its caller; to be freed.
char *fuzz_text(const FuzzInput *input);

// `field` is the value's whole encoding.
void fuzz_check_field(const Type *type, const Value *value, const Buffer *field);

// The value as people write it, parsed and encoded, is `field` again.
void fuzz_check_canonical(const Type *type, const Value *value, const Buffer *field);

// From a date's days or the other kinds' microseconds.
FuzzMoment fuzz_moment(const Type *type, const Value *value);

// Parses the text as `type`, and encodes it: that must give `field`.
void fuzz_expect_field(const Type *type, const char *text, size_t len, const Buffer *field);

#endif
