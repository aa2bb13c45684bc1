// A batch: the records of one chunk of a source, as views into memory the batch owns or borrows.
//
// Filled by the reader, read by rules and encoders. Nothing here allocates per record; a batch is
// reused for chunk after chunk.
#ifndef PGHOST_CSV_BATCH_H
#define PGHOST_CSV_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

// One field: unescaped bytes, not NUL-terminated. NULL (an unquoted empty field) is kept apart
// from '' (a quoted one).
typedef struct Field {
  const char *data; // never NULL; points at an empty string when null
  uint32_t len;
  bool null;
} Field;

// Why a record could not be read. RECORD_OK records go on to raw and to the rules; the others are
// rejects that can be in neither.
typedef enum RecordError {
  RECORD_OK,
  RECORD_TOO_FEW_FIELDS,
  RECORD_TOO_MANY_FIELDS,
  RECORD_STRAY_QUOTE,        // a quote inside an unquoted field, or data behind a closing quote
  RECORD_UNTERMINATED_QUOTE, // the file, or the limit for one record, ends inside quotes
  RECORD_CARRIAGE_RETURN,    // a lone CR outside quotes in a file whose lines end in LF
  RECORD_NUL_BYTE,           // PostgreSQL cannot store it in text
  RECORD_INVALID_ENCODING,   // bytes that are no text in the encoding of the file
  RECORD_TOO_LONG,           // a physical line longer than the dialect's limit for one record
  RECORD_LINE_FEED,          // a LF outside quotes in a file whose lines end in CR
} RecordError;

// Where a record has bytes that are no text.
typedef struct Fault {
  uint32_t column : 24; // from 1; 0: none
  uint32_t len : 8;
  uint8_t bytes[4]; // the first of them, as they are in the file
} Fault;

// What was changed so that a record could be read.
typedef enum Repair {
  REPAIR_ENCODING, // records with fields that are not valid in the encoding, taken for windows-1252
  REPAIR_NUL,      // records that lost NUL bytes
  REPAIR_KINDS,
} Repair;

typedef struct Record {
  uint64_t offset;   // of its first byte in the source, in bytes after decompression
  uint64_t line;     // physical line it starts on, from 1
  const char *bytes; // its original bytes, `length` of them, the line end left out
  uint32_t length;
  uint32_t field_start; // index of its first field in Batch.fields
  uint32_t field_count; // as read, also where that is the error
  RecordError error;
  Fault fault;
} Record;

typedef struct Batch {
  Record *records;
  size_t record_count;
  size_t record_cap;
  Field *fields;
  size_t field_count;
  size_t field_cap;
  Buffer text;    // unescaped bytes of the fields that are not plain views into the chunk
  Buffer decoded; // bytes of the fields that were converted
  uint64_t repairs[REPAIR_KINDS];
} Batch;

// Empties the batch, keeps its memory.
void batch_clear(Batch *batch);

// One more field or record to fill in; NULL when there is no memory.
Field *batch_add_field(Batch *batch);
Record *batch_add_record(Batch *batch);

// Frees what the batch owns; it can be used again.
void batch_free(Batch *batch);

// The reason for people: "too few fields: 3 of 8", "stray quote". Writes at most `size` bytes to
// `out`, NUL-terminated. The dialect says how many fields were expected, and in what encoding.
struct Dialect;
void record_error_text(const Record *record, const struct Dialect *dialect, char *out, size_t size);

// What repairs are called where they are counted: "encoding", "nul", ...
const char *repair_name(Repair repair);

// A stable short name for the rule column of rejects: "fields", "quote", "encoding", ...
const char *record_error_rule(RecordError error);

#endif
