// Not for the outcome of a record: records.c.
#include "load/origins.h"

static int64_t parse_digits(const Field *field) {
  int64_t value = 0;
  for (uint32_t i = 0; i < field->len && field->data[i] >= '0' && field->data[i] <= '9'; i++)
    value = value * 10 + (field->data[i] - '0');
  return value;
}

// A record that came from a raw table opens with _file_id and _line, which are digits.
static Origin table_origin(const Field *fields) {
  return (Origin){.file_id = parse_digits(&fields[0]), .line = parse_digits(&fields[1])};
}

// As COPY TO writes CSV: NULL is empty, the empty string is in quotes.
static void put_csv_field(Buffer *out, const Field *field) {
  bool quoted = !field->null && field->len == 0;
  for (uint32_t i = 0; i < field->len && !quoted; i++)
    quoted = strchr(",\"\r\n", field->data[i]) != NULL;
  if (!quoted) {
    buffer_put(out, field->data, field->len);
    return;
  }
  buffer_put(out, "\"", 1);
  for (uint32_t i = 0; i < field->len; i++)
    buffer_put(out, field->data[i] == '"' ? "\"\"" : field->data + i,
               field->data[i] == '"' ? 2 : 1);
  buffer_put(out, "\"", 1);
}

// The file's own bytes are unknown here: the record's fields as CSV.
static void locate_in_table(Block *block, const Record *record, Origin *origin) {
  Buffer *csv = &block->original;
  buffer_clear(csv);
  for (uint32_t i = 2; i < record->field_count; i++) {
    if (i > 2)
      buffer_put(csv, ",", 1);
    put_csv_field(csv, &block->batch.fields[record->field_start + i]);
  }
  origin->bytes = csv->len ? csv->data : "";
  origin->length = (uint32_t)csv->len;
  block->out[STREAM_REJECTS].failed = block->out[STREAM_REJECTS].failed || csv->failed;
}

Origin origin_of(const Block *block, const Record *record) {
  const FileTask *file = &block->task->file;
  if (file->table_source && record->error == RECORD_OK)
    return table_origin(block->batch.fields + record->field_start);
  return (Origin){
      .file_id = file->file_id,
      .line = (int64_t)record->line,
      .bytes = record->bytes,
      .length = record->length,
      .has_offset = true,
      .offset = (int64_t)record->offset,
  };
}

void origin_locate(Block *block, const Record *record, Origin *origin) {
  if (!origin->has_offset) {
    locate_in_table(block, record, origin);
    return;
  }
  FileSpan span = source_file_span(source_dialect(block->task->file.source), &block->chunk, record,
                                   &block->original);
  origin->offset = (int64_t)span.offset;
  origin->bytes = span.bytes;
  origin->length = (uint32_t)span.length;
}
