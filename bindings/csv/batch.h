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
#include "base/field.h"
#include "csv/lines.h"

// Where a chunk or a record starts in its source.
typedef struct Position {
  uint64_t offset; // bytes from the start of the source
  uint64_t line;   // physical line, from 1
} Position;

// Why a record could not be read. RECORD_OK records go to the raw table and the rules; the others
// are rejects that reach neither.
typedef enum RecordError {
  RECORD_OK,
  RECORD_TOO_FEW_FIELDS,
  RECORD_TOO_MANY_FIELDS,
  RECORD_STRAY_QUOTE,        // a quote inside an unquoted field, or data after a closing quote
  RECORD_UNTERMINATED_QUOTE, // the file, or the limit for one record, ends inside quotes
  RECORD_CARRIAGE_RETURN,    // a lone CR outside quotes in a file whose lines end in LF
  RECORD_NUL_BYTE,           // PostgreSQL cannot store it in text
  RECORD_INVALID_ENCODING,   // bytes that are invalid in the file's encoding
  RECORD_TOO_LONG,           // a physical line longer than the dialect's limit for one record
  RECORD_LINE_FEED,          // an LF outside quotes in a file whose lines end in CR
  RECORD_FIELD_TOO_LONG,
  RECORD_REPEATED_HEADER,  // equal to the header
  RECORD_SKIPPED_HEADER,   // the same, to be skipped: filtered, not rejected
  RECORD_SECOND_TABLE,     // the first line of a second table; reading stops there
  RECORD_ESCAPED_LINE_END, // the file, or the limit for one record, ends after an escaped line end
  RECORD_MARK,             // a byte order mark before a record that is not the header
  RECORD_CONTROL_Z,        // Ctrl-Z at the end of the file
  RECORD_END_MARKER,       // \. of the text format, with data after it
  RECORD_DASHES,           // dashes under the header
  RECORD_NOT_STORED,       // a character missing from the database's encoding
  RECORD_ERRORS,           // the number of statuses
} RecordError;

// The first invalid bytes of a record, as they are in the file.
typedef struct Fault {
  uint8_t len;
  uint8_t bytes[4];
} Fault;

// What a policy the user asked for changed so that a record could be read.
typedef enum Repair {
  REPAIR_PADDED,       // records with too few fields that got NULLs
  REPAIR_CUT,          // records with too many fields that lost the extra ones
  REPAIR_EXTRA,        // records whose fields after the last column went into _extra
  REPAIR_QUOTE,        // records with a stray quote that was taken as data
  REPAIR_NUL,          // records that lost NUL bytes
  REPAIR_ENCODING,     // records with invalid bytes, read in another encoding
  REPAIR_HEADER,       // repeated headers skipped
  REPAIR_SECOND_TABLE, // lines of a second table that were not read
  REPAIR_BLANKS,       // records that lost blanks after a closing quote
  REPAIR_DELIMITER,    // records that lost an empty field after a trailing delimiter
  REPAIR_MARK,         // repeated headers loaded without the byte order mark before them
  REPAIR_KINDS,
} Repair;

typedef struct Record {
  uint64_t offset;   // of its first byte in the source, in bytes after decompression
  uint64_t line;     // physical line it starts on, from 1
  const char *bytes; // its original bytes, `length` of them, without the line end
  uint32_t length;
  uint32_t field_start; // index of its first field in Batch.fields
  uint32_t field_count; // as read, even if that is the error
  RecordError error;
  uint32_t column;  // the field at fault, from 1; 0: none
  uint32_t repairs; // a bit (1 << Repair) for each kind of repair it went through
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
  Buffer decoded; // bytes of converted fields
  uint64_t repairs[REPAIR_KINDS]; // of the good records
  Lines lines;                    // of the bytes consumed
  bool odd;                       // policies must examine the records
  bool stopped; // by a policy, before the record `stop`, which is not in the batch
  Record stop;
} Batch;

// Empties the batch but keeps its memory.
void batch_clear(Batch *batch);

// Adds a field or record for the caller to fill in; NULL when out of memory.
Field *batch_add_field(Batch *batch);
Record *batch_add_record(Batch *batch);

// Frees what the batch owns; it can be used again.
void batch_free(Batch *batch);

// The human-readable reason: "too few fields: 3 of 8", "stray quote". Writes at most `size` bytes
// to `out`, NUL-terminated. The dialect supplies the expected field count and the encoding.
struct Dialect;
void record_error_text(const Record *record, const struct Dialect *dialect, char *out, size_t size);

// A repair's name in counts: "encoding", "nul", ...
const char *repair_name(Repair repair);

// A stable short name for the rule column of rejects: "fields", "quote", "encoding", ...
const char *record_error_rule(RecordError error);

#endif
