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

// The server's built-in types by their OIDs (src/include/catalog/pg_type.dat).
typedef enum FuzzOid {
  OID_TEXT = 25,
  OID_VARCHAR = 1043,
  OID_SMALLINT = 21,
  OID_INTEGER = 23,
  OID_BIGINT = 20,
  OID_NUMERIC = 1700,
  OID_REAL = 700,
  OID_DOUBLE = 701,
  OID_BOOLEAN = 16,
  OID_DATE = 1082,
  OID_TIME = 1083,
  OID_TIMESTAMP = 1114,
  OID_TIMESTAMPTZ = 1184,
  OID_UUID = 2950,
  OID_JSON = 114,
  OID_JSONB = 3802,
  OID_TIMETZ = 1266,
  OID_INTERVAL = 1186,
  OID_INET = 869,
  OID_CIDR = 650,
  OID_BYTEA = 17,
  OID_CHAR = 1042,
} FuzzOid;

// The kind of that number, the same for ever, so that a corpus keeps its meaning: those of FuzzOid
// in that order, an enum, an array, one by name; then whatever has come since.
const TypeKind *fuzz_kind(size_t i);

// How many there are, and of them without enums and arrays, dates and times (from FUZZ_DATE on).
size_t fuzz_kinds(void);
enum { FUZZ_SCALARS = 22, FUZZ_DATE = 9 };

// Sets what a kind takes besides, by two bytes.
void fuzz_set_numbers(Type *type, uint8_t first, uint8_t second);

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
