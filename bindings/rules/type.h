// Column types: text in, a checked value, PostgreSQL's binary format out.
//
// For every text accepted here, the value is the one the server's own cast of that text gives;
// where the server would refuse, so do we. We may refuse more (only unambiguous ISO dates, no
// 'yesterday'). Thread-safe, no allocation but in the buffers passed, locale-independent.
#ifndef PGHOST_RULES_TYPE_H
#define PGHOST_RULES_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

typedef enum TypeKind {
  TYPE_TEXT,
  TYPE_VARCHAR, // length n in characters; longer is refused unless the rest is blanks
  TYPE_SMALLINT,
  TYPE_INTEGER,
  TYPE_BIGINT,
  TYPE_NUMERIC,
  TYPE_REAL,
  TYPE_DOUBLE,
  TYPE_BOOLEAN,
  TYPE_DATE,
  TYPE_TIME,
  TYPE_TIMESTAMP,
  TYPE_TIMESTAMPTZ,
  TYPE_UUID,
  TYPE_JSON,
  TYPE_JSONB,
} TypeKind;

typedef struct Type {
  TypeKind kind;
  int32_t length;    // varchar: characters; 0: no limit
  int32_t precision; // numeric: digits in all; 0: not given
  int32_t scale;     // numeric: digits behind the point, where precision is given
  // date, time, timestamp, timestamptz: an explicit format ("DD/MM/YYYY HH24:MI:SS") or NULL for
  // ISO 8601. Owned by the program the type belongs to.
  const char *format;
} Type;

// A parsed value. Which member counts follows from the kind: `integer` for smallint, integer,
// bigint, boolean (0, 1), date (days since 2000-01-01), time, timestamp, timestamptz (microseconds,
// the latter two since 2000-01-01 00:00, UTC); `real` for real and double; for the others the text
// is the value and `bytes` what goes over the wire (numeric, uuid: in the scratch buffer).
typedef struct Value {
  bool null;
  int64_t integer;
  double real;
  const char *bytes;
  uint32_t len;
} Value;

// The SQL name: "numeric(10,2)", "timestamp". Writes at most `size` bytes, NUL-terminated.
void type_name(const Type *type, char *out, size_t size);

// Parses `text`. False: not a value of this type; *reason is then a static phrase that reads before
// the quoted value ("not a timestamp", "out of range for integer", "too long for varchar(5)" is
// phrased without numbers: "too long"). Bytes that must outlive the call are appended to `scratch`;
// since that may move, Value.bytes is then NULL and Value.integer the offset in scratch.
bool type_parse(const Type *type, const char *text, size_t len, Buffer *scratch, Value *value,
                const char **reason);

// Appends the value as a binary COPY field: 4 bytes length (-1 for null), then the bytes.
void type_encode(const Type *type, const Value *value, const Buffer *scratch, Buffer *out);

// -1, 0, 1 as the server's own comparison of two non-null values of this type (text: by bytes).
int type_compare(const Type *type, const Value *a, const Value *b, const Buffer *scratch);

#endif
