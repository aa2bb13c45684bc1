// The input over COPY TO: libpq's pieces handed on as a stream of bytes.
#include "load/copy_input.h"

#include <stdlib.h>

#include "pg/copy.h"

typedef struct CopyInput {
  Input input;
  PGconn *conn;
  char *piece; // libpq's, NULL between pieces
  size_t len;
  size_t used;
  bool ended;
} CopyInput;

static ptrdiff_t read_piece(CopyInput *self, Error *error) {
  PQfreemem(self->piece);
  self->piece = NULL;
  self->used = self->len = 0;
  if (self->ended)
    return 0;
  ptrdiff_t got = copy_out_next(self->conn, &self->piece, error);
  if (got <= 0)
    self->ended = true;
  else
    self->len = (size_t)got;
  return got;
}

static ptrdiff_t copy_input_read(Input *input, char *out, size_t size, Error *error) {
  CopyInput *self = (CopyInput *)input;
  size_t filled = 0;
  while (filled < size) {
    if (self->used == self->len) {
      ptrdiff_t got = read_piece(self, error);
      if (got < 0)
        return -1;
      if (got == 0)
        break;
    }
    size_t part = self->len - self->used;
    if (part > size - filled)
      part = size - filled;
    memcpy(out + filled, self->piece + self->used, part);
    self->used += part;
    filled += part;
  }
  return (ptrdiff_t)filled;
}

static void copy_input_close(Input *input) {
  CopyInput *self = (CopyInput *)input;
  PQfreemem(self->piece);
  conn_drain(self->conn);
  free(self);
}

Input *copy_input_open(PGconn *conn, const char *copy, Error *error) {
  CopyInput *self = calloc(1, sizeof *self);
  if (!self) {
    error_set(error, "ENOMEM", "out of memory");
    return NULL;
  }
  *self = (CopyInput){.input = {.read = copy_input_read, .close = copy_input_close}, .conn = conn};
  if (copy_out_begin(conn, copy, error))
    return &self->input;
  free(self);
  return NULL;
}
