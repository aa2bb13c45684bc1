// Column types: text in, a checked value, PostgreSQL's binary format out.
//
// For every text accepted here, the value is the one the server's own cast of that text gives;
// where the server would refuse, so do we. Thread-safe, no allocation but in the buffers passed,
// locale-independent. Text is taken to be valid UTF-8 without NUL bytes: the reader's job.
//
// Accepted, and what the server would take besides (spec/type_spec.lua holds the list):
// - text: anything. varchar(n): as an assignment does, not as a cast: n characters (not bytes),
//   blanks after them are cut, anything else after them is refused.
// - smallint, integer, bigint: decimal digits with a sign. numeric: also NaN and [+-]Infinity;
//   rounded half away from zero to its scale. Refused: a blank after the 'e'.
// - real, double: decimal, NaN, [+-]Infinity; refused: hexadecimal, signed NaN, NaN(...).
// - boolean: all the server takes.
// - date: YYYY-MM-DD. time: HH:MM[:SS[.f]]. timestamp: both, one blank or 'T' between, or a date.
//   timestamptz: then, with or without one blank, Z, +HH, +HHMM or +HH:MM; without a zone it is
//   UTC. Years 0001 to 9999. 24:00[:00] and second 60 mean what they mean to the server: the start
//   of the next day or minute. Other spellings (type_spelled.c): infinity, epoch; 2024/1/5,
//   20240105, 5 Jan 2024, Thu Jan 5 10:00:00 2024; 9:05, T0907, 4:05 PM, up to 15 decimals; UTC,
//   GMT, +05:30:15. Refused: what DateStyle, TimeZone or the clock decide (1/2/2024, 24-01-05, PST,
//   now), dates with a time of day, a timestamp in a zone other than UTC (the server forgets both),
//   BC, julian and ordinal days.
// - time with time zone: a time, then a zone as after a timestamptz; without one it is UTC.
// - interval: ISO 8601 designators in their order ("P1Y2M3DT4H5M6.7S"); or numbers with units and
//   then a clock, as the server writes them in its postgres and postgres_verbose styles ("1 year
//   -2 mons +3 days 04:05:06.7", "@ 5 mins 6.7 secs ago"), years and months "1-2", days before a
//   clock "3 4:05". Numbers have up to nine digits, with a fraction 15; a fraction of a year makes
//   whole months. Refused: a number without a unit, and, since its meaning depends on the server's
//   IntervalStyle, a first number with a minus before others without a sign.
// - inet, cidr: decimal numbers or IPv6 text (RFC 4291), with or without "/bits". Refused: leading
//   zeros, hexadecimal, a point or colon at the end.
// - bytea: "\\x" and hexadecimal digits, or the escape format; all the server takes.
// - char(n): as varchar, but trailing blanks never count; here they are not part of the value.
// - enum: one of the labels, byte by byte.
// - arrays: "{1,NULL,\"a b\"}", up to 6 dimensions, of every type here but enums and types by name.
//   Lower bounds "[2:3]={1,2}". Refused: "{{}}".
// - uuid: all the server takes. json, jsonb: RFC 8259, as the server; refused: more than
//   1000 levels, jsonb of more than 32 MiB (the server's limit depends on the content).
// - every other type of the server, by its name: any text. The server alone knows what it means, so
//   it cannot be sent in binary: program_needs_text.
// White space around the value (blank, tab, newlines, vertical tab, form feed) is skipped where the
// server does so: everywhere but in text, varchar, char, enum, bytea, inet, cidr and uuid.
#ifndef PGHOST_RULES_TYPE_H
#define PGHOST_RULES_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

enum { TYPE_FORMAT_ITEMS = 48 }; // fields and literal bytes of one format, with the 0 at its end

typedef struct TypeKind TypeKind;

// A label of an enum.
typedef struct Label {
  const char *text;
  uint32_t len;
} Label;

typedef struct Type {
  const TypeKind *kind;
  const TypeKind *element; // array
  int32_t length;          // varchar, char: characters; 0: no limit
  int32_t precision;       // numeric: digits in all; 0: not given
  int32_t scale;           // numeric: digits after the point, where precision is given
  bool plain;              // only the spellings that a guess may take for this type
  // date, time, timestamp, timestamptz: an explicit format ("DD/MM/YYYY HH24:MI:SS") or NULL for
  // ISO 8601. Set by type_set_format, owned by the program the type belongs to.
  const char *format;
  // The format as type_set_format compiled it: literal bytes and, above 127, fields; ends with 0.
  unsigned char compiled[TYPE_FORMAT_ITEMS];
  // Another format of the same type; NULL after the last. Owned by the program, like `format`.
  const struct Type *next_format;
  // The SQL name where it does not follow from the kind: of an enum, a domain, another type.
  // Borrowed, NULL otherwise.
  const char *name;
  const Label *labels; // enum: in their order; borrowed
  uint32_t label_count;
} Type;

// Room for every type_name.
enum { TYPE_NAME_SIZE = 320 };

// A parsed value. Which member counts follows from the kind's form. An integer is the number
// itself, 0 or 1 for boolean, days since 2000-01-01 for date, microseconds for time, timestamp and
// timestamptz (the latter two since 2000-01-01 00:00, UTC). For an enum `integer` is the label's
// place besides.
typedef struct Value {
  bool null;
  bool odd; // of a form that only the server knows: `bytes` is the text (program.h)
  int64_t integer;
  double real;
  const char *bytes;
  uint32_t len;
} Value;

// How a value is stored, and its binary field.
typedef enum ValueForm {
  VALUE_BYTES,     // `bytes`, or in the scratch buffer (type_bytes)
  VALUE_VERSIONED, // the same, after a byte that is 1
  VALUE_INTEGER,   // `integer`, in `size` bytes
  VALUE_REAL,      // `real`, in `size` bytes
} ValueForm;

// What values that the server considers equal share: a number and bytes, either of which may be
// unused. Unequal values may share it too.
typedef struct TypeIdentity {
  uint64_t number;
  const char *bytes;
  uint32_t len;
} TypeIdentity;

// What rules written in Lua get as the value.
typedef enum ScalarForm {
  SCALAR_TEXT, // the cleaned text
  SCALAR_INTEGER,
  SCALAR_REAL,
  SCALAR_BOOLEAN,
} ScalarForm;

// What a type is told besides its name.
typedef enum TypeParameter {
  PARAMETER_NONE,
  PARAMETER_LENGTH,    // varchar(n)
  PARAMETER_PRECISION, // numeric(p,s)
  PARAMETER_FORMAT,    // an explicit format
  PARAMETER_OTHER,     // made by functions of its own: enum, array, a type by name
} TypeParameter;

// A kind of type, described by one row. The rows are in the type_*.c files, beside their parsers,
// and listed there (`network_types`); type_name.c has the lists. `parse` is type_parse, `text`
// never NULL and `value->null` false; `compare` gets values that are not null; `write` appends the
// field of text COPY that is not the cleaned text itself.
struct TypeKind {
  const char *name;       // SQL name as type_name writes it; NULL: no name of its own
  const char *aliases[4]; // other spellings
  uint32_t oid;           // src/include/catalog/pg_type.dat, 0: not the same everywhere
  bool (*parse)(const Type *type, const char *text, size_t len, Buffer *scratch, Value *value,
                const char **reason);
  int (*compare)(const Value *a, const Value *b, const Buffer *scratch);
  void (*write)(const Type *type, const Value *value, const char *text, size_t len,
                const Buffer *scratch, Buffer *out);
  TypeIdentity (*identity)(const Value *value, const Buffer *scratch); // NULL: by its form
  const char *refusal;                                                 // "not an integer"
  const char *out_of_range;                                            // "out of range for integer"
  const char *family; // kinds of one family can be compared with each other; NULL: with itself
  ValueForm form;
  uint8_t size;   // VALUE_INTEGER, VALUE_REAL: bytes
  uint8_t length; // PARAMETER_LENGTH: where none is given; 0: no limit
  ScalarForm scalar;
  TypeParameter parameter;
  bool is_number;
  bool unordered;        // `compare` is not the server's order
  bool is_moment;        // earlier and later, rather than less and greater
  bool is_zoned;         // `write` brings it to UTC, also in an array
  bool keeps_text;       // the value is part of the text it was parsed from
  bool shortens_text;    // and may be shorter
  bool rounds_seconds;   // "time(3)" is a type that the server rounds, so not ours
  bool zone_words;       // "time(3) with time zone" is such a name
  bool complete;         // what is refused here, every server refuses: it need not be asked
  const char *odd_signs; // or there is one of these in it; NULL: there need be none
};

// The kinds that other code names.
extern const TypeKind type_text, type_enum, type_array, type_other;
extern const TypeKind type_boolean, type_bigint, type_numeric, type_double;
extern const TypeKind type_date, type_time, type_timestamp, type_timestamptz;
extern const TypeKind type_uuid, type_jsonb;

// The kinds that have names, one after the other; NULL after the last.
const TypeKind *type_kind(size_t i);

// The SQL name: "numeric(10,2)", "timestamp". Writes at most `size` bytes, NUL-terminated.
void type_name(const Type *type, char *out, size_t size);

// The name of the kind with that OID; NULL: none of ours.
const char *type_name_of_oid(uint32_t oid);

// The type an SQL name means, as people write it and as the catalog's format_type does: "int8",
// "numeric(10,2)", "character varying(20)", "timestamp without time zone", "bigint[]"; any case,
// blanks as SQL allows. What has the form of a type's name but is none of the types here (an enum,
// a domain, "money", "public.ltree", "timestamp(3)", "geometry(Point,4326)") is type_other, whose
// `name` is `sql_name` itself, borrowed. False, and *out untouched, when it has not that form, or
// its numbers are out of the server's range.
bool type_from_name(const char *sql_name, Type *out);

// Compiles an explicit format into the type, which must be a date, time, timestamp or timestamptz.
// Borrows `format`. False: *reason is a static phrase, the type is untouched.
//
// Words, as to_timestamp has them: YYYY, YY (70-99: 19xx, 00-69: 20xx), MM, Mon, Month (English,
// any case), DD, HH24, HH12 with AM or PM, MI, SS, MS (1 to 3 digits, a fraction), US (1 to 6), TZH
// (sign and two digits), TZM. MM, DD, HH24 and HH12 may be one digit, MS and US fewer, unless
// another digit is next to them; YYYY, YY, MI and SS have all theirs. Punctuation and blanks stand
// for themselves, other literal text goes in double quotes. The whole text must match, white space
// around it apart; no 24:00, no second 60. Without TZH a timestamptz is in UTC.
bool type_set_format(Type *type, const char *format, const char **reason);

// Parses `text`. False: not a value of this type; *reason is then a static phrase that reads before
// the quoted value ("not a timestamp", "out of range for integer", "too long"). Bytes that must
// outlive the call are appended to `scratch`; since that may move, Value.bytes is then NULL and
// Value.integer the offset in scratch.
static inline bool type_parse(const Type *type, const char *text, size_t len, Buffer *scratch,
                              Value *value, const char **reason) {
  value->null = value->odd = false;
  return type->kind->parse(type, text, len, scratch, value, reason);
}

// The value's bytes when they are in memory of their own or in the scratch buffer.
static inline const char *type_bytes(const Value *value, const Buffer *scratch) {
  return value->bytes ? value->bytes : scratch->data + value->integer;
}

// The last `len` bytes of a number, with their length before them.
static inline void type_put_fixed(Buffer *out, uint32_t len, uint64_t bits) {
  if (!buffer_reserve(out, 12))
    return;
  uint32_t prefix = __builtin_bswap32(len);
  bits = __builtin_bswap64(bits << (64 - 8 * len));
  memcpy(out->data + out->len, &prefix, 4);
  memcpy(out->data + out->len + 4, &bits, 8);
  out->len += 4 + len;
}

static inline void type_put_real(Buffer *out, uint32_t len, double value) {
  float narrow = (float)value;
  uint32_t narrow_bits;
  uint64_t bits;
  memcpy(&narrow_bits, &narrow, sizeof narrow_bits);
  memcpy(&bits, &value, sizeof bits);
  type_put_fixed(out, len, len == sizeof narrow ? narrow_bits : bits);
}

// Appends the value as a binary COPY field: 4 bytes length (-1 for null), then the bytes.
static inline void type_encode(const Type *type, const Value *value, const Buffer *scratch,
                               Buffer *out) {
  if (value->null) {
    buffer_put_u32(out, UINT32_MAX);
    return;
  }
  switch (type->kind->form) {
  case VALUE_INTEGER:
    type_put_fixed(out, type->kind->size, (uint64_t)value->integer);
    return;
  case VALUE_REAL:
    type_put_real(out, type->kind->size, value->real);
    return;
  case VALUE_VERSIONED:
    buffer_put_u32(out, value->len + 1);
    buffer_put_u8(out, 1);
    break;
  case VALUE_BYTES:
    buffer_put_u32(out, value->len);
    break;
  }
  buffer_put(out, type_bytes(value, scratch), value->len);
}

// Appends the value as a field of COPY's text format, without a tab or newline: "\\N" for null,
// tabs, newlines, carriage returns and backslashes escaped. `text` is the cleaned text the value
// was parsed from; dates and times are rewritten in ISO 8601, moments in UTC, so that neither an
// explicit format nor the session's DateStyle and TimeZone matter.
// Source: PostgreSQL manual, COPY, "Text Format".
void type_encode_text(const Type *type, const Value *value, const char *text, size_t len,
                      const Buffer *scratch, Buffer *out);

// Writes a date ("2024-02-29") as ISO 8601, NUL-terminated; days since 2000-01-01.
enum { TYPE_DATE_SIZE = 32 };
size_t type_write_date(int64_t days, char out[TYPE_DATE_SIZE]);

// Whether a date or moment is before or after all others: "-infinity", "infinity".
static inline bool type_is_infinite(const TypeKind *kind, int64_t number) {
  int64_t last = kind->size == sizeof(int32_t) ? INT32_MAX : INT64_MAX;
  return kind->is_moment && (number == last || number == -last - 1);
}

// Whether values of the kind have bytes of their own, rather than a number.
static inline bool type_has_bytes(const TypeKind *kind) {
  return kind->form == VALUE_BYTES || kind->form == VALUE_VERSIONED;
}

// -1, 0, 1 as the server's own comparison of two non-null values of this type. Text is compared by
// bytes (collation "C"), an enum by the place of its label, what is unordered by bytes.
static inline int type_compare(const Type *type, const Value *a, const Value *b,
                               const Buffer *scratch) {
  return type->kind->compare(a, b, scratch);
}

// What the value has in common with all that are equal to it; of a null: nothing.
static inline TypeIdentity type_identity(const Type *type, const Value *value,
                                         const Buffer *scratch) {
  if (value->null)
    return (TypeIdentity){0};
  if (type->kind->identity)
    return type->kind->identity(value, scratch);
  if (type->kind->form == VALUE_INTEGER)
    return (TypeIdentity){.number = (uint64_t)value->integer};
  return (TypeIdentity){.bytes = type_bytes(value, scratch), .len = value->len};
}

// Whether type_compare can set values of the two side by side.
bool type_comparable(const Type *a, const Type *b);

#endif
