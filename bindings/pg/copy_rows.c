// See copy_rows.h.
#include "pg/copy_rows.h"

#include <errno.h>

enum { PIECE = 64 * 1024 };

typedef struct RowReader {
  FILE *file;
  Buffer row; // the one that was read last
  bool ended;
} RowReader;

static bool damaged(Error *error) {
  return error_set(error, "EIO", "a temporary file of rows is damaged");
}

static bool take(RowReader *reader, size_t len, Error *error) {
  if (!buffer_reserve(&reader->row, len))
    return error_set(error, "ENOMEM", "out of memory");
  if (fread(reader->row.data + reader->row.len, 1, len, reader->file) != len)
    return ferror(reader->file) ? error_set_errno(error, errno, "could not read a temporary file")
                                : damaged(error);
  reader->row.len += len;
  return true;
}

static bool take_number(RowReader *reader, size_t size, int64_t *number, Error *error) {
  if (!take(reader, size, error))
    return false;
  const unsigned char *at = (unsigned char *)reader->row.data + reader->row.len - size;
  *number = size == 2 ? (int16_t)(at[0] << 8 | at[1])
                      : (int32_t)((uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
                                  (uint32_t)at[2] << 8 | (uint32_t)at[3]);
  return true;
}

static bool at_end(RowReader *reader) {
  int next = getc(reader->file);
  if (next != EOF)
    ungetc(next, reader->file);
  reader->ended = next == EOF;
  return reader->ended;
}

// The next row, its first `fields` of them. False without `ended`: error filled.
static bool read_row(RowReader *reader, unsigned fields, Error *error) {
  int64_t count, len;
  buffer_clear(&reader->row);
  if (at_end(reader) || !take_number(reader, 2, &count, error))
    return false;
  size_t end = 0;
  for (int64_t i = 0; i < count; i++) {
    if (fields > 0 && i == fields)
      end = reader->row.len;
    if (!take_number(reader, 4, &len, error) || (len > 0 && !take(reader, (size_t)len, error)))
      return false;
  }
  if (end > 0) {
    reader->row.len = end;
    reader->row.data[0] = (char)(fields >> 8);
    reader->row.data[1] = (char)fields;
  }
  return true;
}

static bool flush(PGconn *conn, Buffer *out, size_t least, Error *error) {
  if (out->failed)
    return error_set(error, "ENOMEM", "out of memory");
  if (out->len < least)
    return true;
  bool sent = copy_send(conn, out->data, out->len, NULL, error);
  buffer_clear(out);
  return sent;
}

static bool send_rows(PGconn *conn, RowReader *reader, const RowChoice *choice, Buffer *out,
                      Error *error) {
  size_t next = 0;
  copy_put_header(out);
  for (int64_t number = 1; read_row(reader, choice->fields, error); number++) {
    if (choice->rows && (next == choice->count || choice->rows[next] != number))
      continue;
    next++;
    buffer_put(out, reader->row.data, reader->row.len);
    if (!flush(conn, out, PIECE, error))
      return false;
  }
  if (!reader->ended)
    return false;
  if (choice->rows && next != choice->count)
    return damaged(error);
  copy_put_trailer(out);
  return flush(conn, out, 0, error);
}

bool copy_rows(PGconn *conn, const char *copy, FILE *file, const RowChoice *choice,
               uint64_t *stored, Error *error) {
  RowReader reader = {.file = file};
  Buffer out = {0};
  if (!copy_begin(conn, copy, error))
    return false;
  bool sent = send_rows(conn, &reader, choice, &out, error);
  buffer_free(&reader.row);
  buffer_free(&out);
  if (!sent) {
    copy_abort(conn, "aborted");
    return false;
  }
  return copy_end(conn, NULL, stored, error);
}
