// Encoding rows for COPY, the clean ones in text where the server alone can read them, and all
// others in the binary format: a field count (int16), then per field its length (int32,
// -1 for NULL) and bytes. Source: PostgreSQL manual, COPY, "Binary Format".
#include "load/stream_rows.h"

#include <inttypes.h>
#include <stdio.h>

enum { NULL_LENGTH = -1 };

static void put_text(Buffer *out, const char *text, size_t len) {
  buffer_put_u32(out, (uint32_t)len);
  buffer_put(out, text, len);
}

static void put_string(Buffer *out, const char *text) {
  if (text)
    put_text(out, text, strlen(text));
  else
    buffer_put_u32(out, (uint32_t)NULL_LENGTH);
}

static void put_int64(Buffer *out, int64_t value) {
  buffer_put_u32(out, sizeof value);
  buffer_put_u64(out, (uint64_t)value);
}

static void put_position(Buffer *out, const Origin *origin) {
  put_int64(out, origin->file_id);
  put_int64(out, origin->line);
}

static char *write_u32(char *at, uint32_t value) {
  value = __builtin_bswap32(value);
  memcpy(at, &value, sizeof value);
  return at + sizeof value;
}

static size_t raw_size(const Field *fields, const uint32_t *map, size_t columns) {
  size_t size = columns * sizeof(uint32_t);
  for (size_t i = 0; i < columns; i++)
    size += map[i] == COLUMN_ABSENT || fields[map[i]].null ? 0 : fields[map[i]].len;
  return size;
}

void row_put_raw(Buffer *out, const Field *fields, const uint32_t *map, size_t columns,
                 const Origin *origin) {
  size_t size = raw_size(fields, map, columns);
  buffer_put_u16(out, (uint16_t)(columns + 2));
  if (!buffer_reserve(out, size))
    return;
  char *at = out->data + out->len;
  for (size_t i = 0; i < columns; i++) {
    const Field *field = map[i] == COLUMN_ABSENT ? NULL : &fields[map[i]];
    if (!field || field->null) {
      at = write_u32(at, (uint32_t)NULL_LENGTH);
      continue;
    }
    at = write_u32(at, field->len);
    memcpy(at, field->data, field->len);
    at += field->len;
  }
  out->len += size;
  put_position(out, origin);
}

void row_put_clean(Buffer *out, const Program *program, const Scratch *scratch, bool position,
                   const Origin *origin) {
  buffer_put_u16(out, (uint16_t)(program_column_count(program) + (position ? 2 : 0)));
  program_encode(program, scratch, out);
  if (position)
    put_position(out, origin);
}

void row_put_clean_text(Buffer *out, const Program *program, const Scratch *scratch, bool position,
                        const Origin *origin) {
  char numbers[48];
  program_encode_text(program, scratch, out);
  if (position) {
    int len =
        snprintf(numbers, sizeof numbers, "\t%" PRId64 "\t%" PRId64, origin->file_id, origin->line);
    buffer_put(out, numbers, (size_t)len);
  }
  buffer_put_u8(out, '\n');
}

static void put_offset(Buffer *out, const Origin *origin) {
  if (!origin->has_offset) {
    put_string(out, NULL);
    put_string(out, NULL);
    return;
  }
  put_int64(out, origin->offset);
  put_int64(out, origin->length);
}

void row_put_repeat(Buffer *out, const char *row, size_t len, const Origin *origin) {
  uint16_t fields;
  memcpy(&fields, row, sizeof fields);
  buffer_put_u16(out, (uint16_t)(__builtin_bswap16(fields) + 3));
  buffer_put(out, row + sizeof fields, len - sizeof fields);
  put_offset(out, origin);
  if (origin->has_offset)
    put_text(out, origin->bytes, origin->length);
  else
    put_string(out, NULL);
}

void row_put_reject(Buffer *out, int64_t run_id, const char *table, const Origin *origin,
                    const char *column, const char *rule, const char *reason) {
  buffer_put_u16(out, 10);
  put_int64(out, run_id);
  put_string(out, table);
  put_position(out, origin);
  put_offset(out, origin);
  put_string(out, column);
  put_string(out, rule);
  put_string(out, reason);
  put_text(out, origin->bytes, origin->length);
}
