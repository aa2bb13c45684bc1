// Not for the outcome of a record: records.c.
#include "load/origins.h"

static int64_t parse_digits(const Field *field) {
  int64_t value = 0;
  for (uint32_t i = 0; i < field->len && field->data[i] >= '0' && field->data[i] <= '9'; i++)
    value = value * 10 + (field->data[i] - '0');
  return value;
}

// A record that came from a raw table opens with _file_id and _line, which are digits.
static Origin table_origin(const Record *record, const Field *fields) {
  Origin origin = {.file_id = parse_digits(&fields[0]), .line = parse_digits(&fields[1])};
  const char *end = record->bytes + record->length;
  const char *comma = memchr(record->bytes, ',', record->length);
  comma = comma ? memchr(comma + 1, ',', (size_t)(end - comma - 1)) : NULL;
  origin.bytes = comma ? comma + 1 : end;
  origin.length = (uint32_t)(end - origin.bytes);
  return origin;
}

Origin origin_of(const Block *block, const Record *record) {
  const FileTask *file = &block->task->file;
  if (file->table_source && record->error == RECORD_OK)
    return table_origin(record, block->batch.fields + record->field_start);
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
  if (!origin->has_offset)
    return;
  FileSpan span = source_file_span(source_dialect(block->task->file.source), &block->chunk, record,
                                   &block->original);
  origin->offset = (int64_t)span.offset;
  origin->bytes = span.bytes;
  origin->length = (uint32_t)span.length;
}
