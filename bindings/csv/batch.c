// Memory of batches, and the words for what is wrong with a record.
#include "csv/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv/dialect.h"

void batch_clear(Batch *batch) {
  batch->record_count = 0;
  batch->field_count = 0;
  buffer_clear(&batch->text);
  buffer_clear(&batch->decoded);
  memset(batch->repairs, 0, sizeof batch->repairs);
  batch->lines = (Lines){0};
  batch->odd = false;
  batch->stopped = false;
}

void batch_free(Batch *batch) {
  free(batch->records);
  free(batch->fields);
  buffer_free(&batch->text);
  buffer_free(&batch->decoded);
  *batch = (Batch){0};
}

static const char *const error_texts[] = {
    [RECORD_OK] = "no error",
    [RECORD_TOO_FEW_FIELDS] = "too few fields",
    [RECORD_TOO_MANY_FIELDS] = "too many fields",
    [RECORD_STRAY_QUOTE] = "stray quote",
    [RECORD_UNTERMINATED_QUOTE] = "unterminated quote",
    [RECORD_CARRIAGE_RETURN] = "carriage return outside quotes",
    [RECORD_NUL_BYTE] = "NUL byte",
    [RECORD_INVALID_ENCODING] = "not valid in the encoding",
    [RECORD_NOT_STORED] = "a character that the database does not have",
    [RECORD_TOO_LONG] = "record too long",
    [RECORD_LINE_FEED] = "line feed outside quotes",
    [RECORD_FIELD_TOO_LONG] = "field too long",
    [RECORD_REPEATED_HEADER] = "the header again",
    [RECORD_SKIPPED_HEADER] = "the header again",
    [RECORD_SECOND_TABLE] = "a second table starts here",
    [RECORD_ESCAPED_LINE_END] = "escaped line end, and no end of the record after it",
    [RECORD_MARK] = "a byte order mark inside the file",
    [RECORD_CONTROL_Z] = "Ctrl-Z (0x1A), the end of a DOS file",
    [RECORD_END_MARKER] = "\\. before the end of the file",
    [RECORD_DASHES] = "dashes under the header",
};

static const char *const error_rules[] = {
    [RECORD_OK] = "",
    [RECORD_TOO_FEW_FIELDS] = "fields",
    [RECORD_TOO_MANY_FIELDS] = "fields",
    [RECORD_STRAY_QUOTE] = "quote",
    [RECORD_UNTERMINATED_QUOTE] = "quote",
    [RECORD_CARRIAGE_RETURN] = "line_end",
    [RECORD_NUL_BYTE] = "nul",
    [RECORD_INVALID_ENCODING] = "encoding",
    [RECORD_NOT_STORED] = "encoding",
    [RECORD_TOO_LONG] = "length",
    [RECORD_LINE_FEED] = "line_end",
    [RECORD_FIELD_TOO_LONG] = "size",
    [RECORD_REPEATED_HEADER] = "header",
    [RECORD_SKIPPED_HEADER] = "header",
    [RECORD_SECOND_TABLE] = "second_table",
    [RECORD_ESCAPED_LINE_END] = "line_end",
    [RECORD_MARK] = "mark",
    [RECORD_CONTROL_Z] = "control_z",
    [RECORD_END_MARKER] = "end_marker",
    [RECORD_DASHES] = "header",
};

static const char *const repair_names[REPAIR_KINDS] = {
    [REPAIR_PADDED] = "padded", [REPAIR_CUT] = "cut",
    [REPAIR_EXTRA] = "extra",   [REPAIR_QUOTE] = "quotes",
    [REPAIR_NUL] = "nul",       [REPAIR_ENCODING] = "encoding",
    [REPAIR_HEADER] = "header", [REPAIR_SECOND_TABLE] = "second_table",
    [REPAIR_BLANKS] = "blanks", [REPAIR_DELIMITER] = "delimiters",
    [REPAIR_MARK] = "marks",
};

static void encoding_text(const Record *record, const char *encoding, char *out, size_t size) {
  char bytes[sizeof record->fault.bytes * 5 + 1] = "";
  size_t count = record->fault.len < sizeof record->fault.bytes ? record->fault.len
                                                                : sizeof record->fault.bytes;
  for (size_t i = 0; i < count; i++)
    snprintf(bytes + 5 * i, sizeof bytes - 5 * i, " 0x%02X", record->fault.bytes[i]);
  snprintf(out, size, "column %u: not valid %s:%s", record->column, encoding, bytes);
}

// The fault is one character in UTF-8.
static void not_stored_text(const Record *record, const char *encoding, char *out, size_t size) {
  const uint8_t *bytes = record->fault.bytes;
  uint32_t code = bytes[0] & (0xffu >> (record->fault.len + 1));
  for (size_t i = 1; i < record->fault.len; i++)
    code = code << 6 | (bytes[i] & 0x3fu);
  snprintf(out, size, "column %u: the database is in %s, which does not have U+%04X",
           record->column, encoding, (unsigned)code);
}

void record_error_text(const Record *record, const Dialect *dialect, char *out, size_t size) {
  const char *text = error_texts[record->error];
  if (record->error == RECORD_TOO_FEW_FIELDS || record->error == RECORD_TOO_MANY_FIELDS)
    snprintf(out, size, "%s: %u of %u", text, record->field_count, dialect->columns);
  else if (record->error == RECORD_TOO_LONG)
    snprintf(out, size, "%s: %u bytes", text, record->length);
  else if (record->error == RECORD_INVALID_ENCODING && record->column > 0)
    encoding_text(record, dialect->text.encoding, out, size);
  else if (record->error == RECORD_NOT_STORED)
    not_stored_text(record, dialect->text.stored, out, size);
  else if (record->error == RECORD_FIELD_TOO_LONG)
    snprintf(out, size, "%s: column %u", text, record->column);
  else if (record->error == RECORD_NUL_BYTE && record->column > 0)
    snprintf(out, size, "column %u: %s", record->column, text);
  else
    snprintf(out, size, "%s", text);
}

const char *record_error_rule(RecordError error) {
  return error_rules[error];
}

const char *repair_name(Repair repair) {
  return repair_names[repair];
}

enum { FIRST_FIELDS = 1024, FIRST_RECORDS = 128 };

static bool grow(void **items, size_t *cap, size_t size, size_t first) {
  size_t more = *cap ? *cap * 2 : first;
  void *bigger = realloc(*items, more * size);
  if (!bigger)
    return false;
  *items = bigger;
  *cap = more;
  return true;
}

static bool grow_fields(Batch *batch) {
  void *fields = batch->fields;
  bool ok = grow(&fields, &batch->field_cap, sizeof *batch->fields, FIRST_FIELDS);
  batch->fields = fields;
  return ok;
}

static bool grow_records(Batch *batch) {
  void *records = batch->records;
  bool ok = grow(&records, &batch->record_cap, sizeof *batch->records, FIRST_RECORDS);
  batch->records = records;
  return ok;
}

Field *batch_add_field(Batch *batch) {
  if (batch->field_count == batch->field_cap && !grow_fields(batch))
    return NULL;
  return &batch->fields[batch->field_count++];
}

Record *batch_add_record(Batch *batch) {
  if (batch->record_count == batch->record_cap && !grow_records(batch))
    return NULL;
  return &batch->records[batch->record_count++];
}
