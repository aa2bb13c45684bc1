// See cursor.h: one batch at a time, handed out record by record.
#include "csv/cursor.h"

#include <stdlib.h>

enum { CHUNK_TARGET = 64 * 1024 };

struct Cursor {
  Source *source;
  Reader *reader;
  Chunk chunk;
  Batch batch;
  size_t next;           // index in batch.records
  const Record *current; // given last by cursor_find
  Buffer bytes;          // of cursor_span
};

Cursor *cursor_new(Source *source) {
  Cursor *cursor = calloc(1, sizeof *cursor);
  if (!cursor)
    return NULL;
  cursor->source = source;
  cursor->reader = reader_new(source_dialect(source));
  if (cursor->reader)
    return cursor;
  free(cursor);
  return NULL;
}

void cursor_free(Cursor *cursor) {
  if (!cursor)
    return;
  reader_free(cursor->reader);
  buffer_free(&cursor->chunk.bytes);
  batch_free(&cursor->batch);
  buffer_free(&cursor->bytes);
  free(cursor);
}

static SourceStatus next(Cursor *cursor, const Record **record, const Field **fields,
                         Error *error) {
  if (cursor->next == cursor->batch.record_count) {
    cursor->next = 0;
    SourceStatus status = source_read(cursor->source, cursor->reader, CHUNK_TARGET, &cursor->chunk,
                                      &cursor->batch, error);
    if (status != SOURCE_CHUNK) {
      batch_clear(&cursor->batch);
      return status;
    }
  }
  *record = &cursor->batch.records[cursor->next++];
  *fields = (*record)->field_count > 0 ? &cursor->batch.fields[(*record)->field_start] : NULL;
  return SOURCE_CHUNK;
}

SourceStatus cursor_next(Cursor *cursor, const Record **record, const Field **fields,
                         Error *error) {
  SourceStatus status;
  do {
    status = next(cursor, record, fields, error);
  } while (status == SOURCE_CHUNK && (*record)->error == RECORD_SKIPPED_HEADER);
  return status;
}

SourceStatus cursor_find(Cursor *cursor, uint64_t line, const Record **record, Error *error) {
  const Field *fields;
  SourceStatus status = SOURCE_CHUNK;
  while (!cursor->current || cursor->current->line < line) {
    status = cursor_next(cursor, &cursor->current, &fields, error);
    if (status != SOURCE_CHUNK) {
      cursor->current = NULL;
      return status;
    }
  }
  *record = cursor->current;
  return status;
}

FileSpan cursor_span(Cursor *cursor, const Record *record) {
  return source_file_span(source_dialect(cursor->source), &cursor->chunk, record, &cursor->bytes);
}
