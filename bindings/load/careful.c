// Blocks are sent in a separate COPY under a savepoint. When the server refuses a row, everything
// is rolled back to the savepoint: the rows before the one that its message names are sent alone,
// then those after it. If the message names none (a foreign key, a trigger at the end of the
// statement) the rows are halved until it is found.
#include "load/careful.h"

#include <stdio.h>

#include "load/blocks.h"
#include "load/places.h"
#include "load/rejects.h"
#include "pg/copy.h"

typedef struct Part {
  Stream *stream;
  Block *const *blocks;
  size_t count;
} Part;

static const RowMark *marks_of(const Block *block, size_t *rows) {
  *rows = block->marks.len / sizeof(RowMark);
  return (const RowMark *)(const void *)block->marks.data;
}

static bool is_text(const Stream *stream) {
  return stream->engine->options.clean_text;
}

static bool send_bytes(Stream *stream, const char *bytes, size_t len, Error *error) {
  return len == 0 || copy_send(stream->conn, bytes, len, &stream->engine->stop, error);
}

static bool send_frame(Stream *stream, void (*put)(Buffer *), Error *error) {
  Buffer frame = {0};
  if (!is_text(stream))
    put(&frame);
  bool good = send_bytes(stream, frame.data, frame.len, error);
  buffer_free(&frame);
  return good;
}

// The rows from `from` to before `to`, counted over all blocks.
static bool send_rows(const Part *part, size_t from, size_t to, Error *error) {
  size_t before = 0;
  for (size_t i = 0; i < part->count && before < to; i++) {
    size_t rows;
    const RowMark *marks = marks_of(part->blocks[i], &rows);
    size_t first = from > before ? from - before : 0;
    size_t last = to - before < rows ? to - before : rows;
    before += rows;
    if (first >= last)
      continue;
    size_t start = first > 0 ? marks[first - 1].end : 0;
    if (!send_bytes(part->stream, part->blocks[i]->out[STREAM_CLEAN].data + start,
                    marks[last - 1].end - start, error))
      return false;
  }
  return true;
}

static bool copy_rows(const Part *part, size_t from, size_t to, Error *error) {
  Stream *stream = part->stream;
  const EngineOptions *options = &stream->engine->options;
  uint64_t rows;
  if (!conn_exec(stream->conn, "savepoint pghost_rows", error) ||
      !copy_begin(stream->conn, options->copy, error) ||
      !send_frame(stream, copy_put_header, error) || !send_rows(part, from, to, error) ||
      !send_frame(stream, copy_put_trailer, error) ||
      !copy_end(stream->conn, &stream->engine->stop, &rows, error))
    return false;
  stream->rows += rows;
  return conn_exec(stream->conn, "release savepoint pghost_rows", error);
}

static const char *rule_of(const Error *error) {
  static const struct {
    const char *code, *rule;
  } rules[] = {
      {"23502", "required"},  {"23503", "foreign_key"}, {"23505", "unique"},  {"23514", "check"},
      {"23P01", "exclusion"}, {"22P05", "encoding"},    {"P0001", "trigger"},
  };
  for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
    if (strcmp(rules[i].code, error->code) == 0)
      return rules[i].rule;
  return strncmp(error->code, "22", 2) == 0 ? "type" : "server";
}

// The server's message and detail in one line; its context is ours, and a hint is for who writes
// SQL.
static void put_reason(const Error *error, char *out, size_t size) {
  char text[sizeof error->message];
  snprintf(text, sizeof text, "%s", error->message);
  char *detail = strstr(text, "\n  detail: ");
  static const char *const left_out[] = {"\n  context: ", "\n  hint: "};
  for (size_t i = 0; i < sizeof left_out / sizeof left_out[0]; i++) {
    char *at = strstr(text, left_out[i]);
    if (at)
      *at = 0;
  }
  if (detail)
    *detail = 0;
  Line line = line_start(out, size);
  line_put_escaped(&line, text, strlen(text), 400);
  if (detail) {
    detail += strlen("\n  detail: ");
    line_put(&line, ": ");
    line_put_escaped(&line, detail, strlen(detail), 400);
  }
}

static void count_reject(Engine *engine, const Block *block) {
  Error error;
  engine->total.loaded--;
  engine->total.rejected++;
  engine->sent_rows[STREAM_CLEAN]--;
  buffer_put(&engine->refused, (const char *)&block->file_id, sizeof block->file_id);
  if (engine->total.rejected <= engine->options.rejects.limit)
    return;
  error_set(&error, "budget", "more than %llu rejected",
            (unsigned long long)engine->options.rejects.limit);
  engine_fail_locked(engine, &error);
}

// False: that ends the load.
static bool refuse_row(const Part *part, size_t row, const Error *cause, Error *error) {
  Engine *engine = part->stream->engine;
  size_t i = 0, rows;
  const RowMark *marks = marks_of(part->blocks[0], &rows);
  for (; row >= rows; marks = marks_of(part->blocks[++i], &rows))
    row -= rows;
  Block *block = part->blocks[i];
  char reason[900], column[80];
  put_reason(cause, reason, sizeof reason);
  bool named = places_column(part->stream, cause, column, sizeof column);
  buffer_clear(&block->out[STREAM_REJECTS]);
  buffer_clear(&block->reject_marks);
  record_refuse(engine, block, marks[row].record, named ? column : NULL, rule_of(cause), reason);
  pthread_mutex_lock(&engine->lock);
  bool good = block_write_rejects(engine, block, error);
  if (good)
    count_reject(engine, block);
  if (engine->failed)
    *error = engine->error;
  good = good && !engine->failed;
  pthread_mutex_unlock(&engine->lock);
  return good;
}

static bool send_range(const Part *part, size_t from, size_t to, Error *error) {
  while (from < to) {
    if (copy_rows(part, from, to, error))
      return true;
    Error cause = *error;
    if (!places_of_row(part->stream, &cause) ||
        !conn_exec(part->stream->conn, "rollback to savepoint pghost_rows", error))
      return false;
    uint64_t row = places_row(part->stream, &cause);
    bool known = row > 0 && row <= to - from;
    size_t at = known ? from + row - 1 : from;
    if (!known && to - from > 1) {
      size_t middle = from + (to - from) / 2;
      return send_range(part, from, middle, error) && send_range(part, middle, to, error);
    }
    if (at > from && !send_range(part, from, at, error))
      return false;
    if (!refuse_row(part, at, &cause, error))
      return false;
    from = at + 1;
  }
  return true;
}

bool careful_send(Stream *stream, Block *const *blocks, size_t count, Error *error) {
  Part part = {stream, blocks, count};
  size_t all = 0;
  for (size_t i = 0; i < count; i++)
    all += blocks[i]->marks.len / sizeof(RowMark);
  return send_range(&part, 0, all, error);
}
