// The input over COPY TO: libpq's pieces handed on as a stream of bytes.
#include "load/copy_input.h"

#include <stdlib.h>

#include "pg/copy.h"

typedef struct CopyInput {
  Input input;
  PGconn *conns[MAX_COPY_READERS];
  size_t count;
  PGconn *open[MAX_COPY_READERS]; // those that have not ended
  size_t open_count;
  size_t at;      // of the open ones, that of the last piece
  bool in_record; // which has not ended yet
  char *piece;    // libpq's, NULL between pieces
  size_t len;
  size_t used;
} CopyInput;

static void end_reader(CopyInput *self) {
  self->open[self->at] = self->open[--self->open_count];
  self->at = 0;
}

// The next piece of any connection that has one, of the same where the last one ended within a
// record.
static ptrdiff_t try_readers(CopyInput *self, Error *error) {
  for (size_t tried = 0; tried < self->open_count;) {
    ptrdiff_t got = copy_out_try(self->open[self->at], &self->piece, error);
    if (got > 0 || got == -1)
      return got;
    if (got == 0) {
      end_reader(self);
      tried = 0;
    } else if (self->in_record) {
      break;
    } else {
      self->at = (self->at + 1) % self->open_count;
      tried++;
    }
  }
  return self->open_count > 0 ? COPY_OUT_NOTHING : 0;
}

static ptrdiff_t read_piece(CopyInput *self, Error *error) {
  PQfreemem(self->piece);
  self->piece = NULL;
  self->used = self->len = 0;
  for (;;) {
    ptrdiff_t got = try_readers(self, error);
    if (got > 0) {
      self->len = (size_t)got;
      self->in_record = self->piece[got - 1] != '\n';
    }
    if (got != COPY_OUT_NOTHING)
      return got;
    size_t failed;
    if (copy_out_wait(self->open, self->open_count, &failed, error) < 0)
      return -1;
  }
}

static ptrdiff_t copy_input_read(Input *input, char *out, size_t size, Error *error) {
  CopyInput *self = (CopyInput *)input;
  size_t filled = 0;
  while (filled < size) {
    if (self->used == self->len) {
      ptrdiff_t got = self->open_count > 0 ? read_piece(self, error) : 0;
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
  for (size_t i = 0; i < self->count; i++)
    conn_drain(self->conns[i]);
  free(self);
}

Input *copy_input_open(PGconn *const *conns, const char *const *copies, size_t count,
                       Error *error) {
  CopyInput *self = calloc(1, sizeof *self);
  if (!self) {
    error_set(error, "ENOMEM", "out of memory");
    return NULL;
  }
  self->input = (Input){.read = copy_input_read, .close = copy_input_close};
  for (size_t i = 0; i < count; i++) {
    if (!copy_out_begin(conns[i], copies[i], error)) {
      copy_input_close(&self->input);
      return NULL;
    }
    self->conns[self->count++] = self->open[self->open_count++] = conns[i];
  }
  return &self->input;
}
