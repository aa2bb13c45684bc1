// The input over gzip. zlib itself and not libarchive, which checks neither the sum nor the length
// at the end of the data, and skips what follows it.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "csv/input_parts.h"

enum { GZIP_BLOCK = 64 * 1024, GZIP_ONLY = 15 + 16 }; // window bits, see inflateInit2

typedef struct GzipInput {
  Input input; // first: an Input * is a GzipInput *
  RawInput *inner;
  z_stream stream;
  uint64_t taken;
  bool in_member; // gzip files may stand one after the other
  bool first;     // no member has ended yet
  bool at_end;    // of the packed bytes
  bool started;   // the stream needs its end
  unsigned char packed[GZIP_BLOCK];
} GzipInput;

static bool refill(GzipInput *self, Error *error) {
  if (self->stream.avail_in > 0 || self->at_end)
    return true;
  ptrdiff_t got = self->inner->input.read(&self->inner->input, (char *)self->packed,
                                          sizeof self->packed, error);
  if (got < 0)
    return false;
  self->at_end = got == 0;
  self->taken += (uint64_t)got;
  self->stream.next_in = self->packed;
  self->stream.avail_in = (uInt)got;
  return true;
}

static ptrdiff_t damaged(const GzipInput *self, int result, Error *error) {
  if (result == Z_MEM_ERROR) {
    error_set_errno(error, ENOMEM, "could not read '%s'", self->inner->name);
    return -1;
  }
  if (result == Z_BUF_ERROR)
    return input_damaged(error, self->inner->name, "the gzip data is truncated");
  if (!self->first && self->stream.total_out == 0 && result == Z_DATA_ERROR)
    return input_damaged(error, self->inner->name, "data that is not gzip follows its end");
  return input_damaged(error, self->inner->name,
                       self->stream.msg ? self->stream.msg : "damaged gzip data");
}

// Decompresses some more. Returns Z_OK, or what is wrong; Z_STREAM_END at the end of everything.
static int unpack(GzipInput *self) {
  z_stream *stream = &self->stream;
  if (!self->in_member) {
    if (stream->avail_in == 0)
      return self->first ? Z_BUF_ERROR : Z_STREAM_END;
    inflateReset(stream);
    self->in_member = true;
  }
  int result = inflate(stream, Z_NO_FLUSH);
  if (result == Z_STREAM_END) {
    self->in_member = self->first = false;
    return Z_OK;
  }
  return result == Z_BUF_ERROR && !self->at_end ? Z_OK : result;
}

static ptrdiff_t gzip_read(Input *input, char *out, size_t size, Error *error) {
  GzipInput *self = (GzipInput *)input;
  uInt room = size < UINT32_MAX ? (uInt)size : UINT32_MAX;
  self->stream.next_out = (unsigned char *)out;
  self->stream.avail_out = room;
  while (self->stream.avail_out == room) {
    if (!refill(self, error))
      return -1;
    int result = unpack(self);
    if (result == Z_STREAM_END)
      return 0;
    if (result != Z_OK)
      return damaged(self, result, error);
  }
  return (ptrdiff_t)(room - self->stream.avail_out);
}

static uint64_t gzip_taken(const Input *input) {
  const GzipInput *self = (const GzipInput *)input;
  return self->taken - self->stream.avail_in;
}

static void gzip_close(Input *input) {
  GzipInput *self = (GzipInput *)input;
  if (self->started)
    inflateEnd(&self->stream);
  self->inner->input.close(&self->inner->input);
  free(self);
}

Input *input_open_gzip(RawInput *inner, Error *error) {
  GzipInput *self = calloc(1, sizeof *self);
  if (!self) {
    error_set_errno(error, ENOMEM, "could not open '%s'", inner->name);
    inner->input.close(&inner->input);
    return NULL;
  }
  self->input = (Input){gzip_read, gzip_close, gzip_taken};
  self->inner = inner;
  self->first = true;
  self->started = inflateInit2(&self->stream, GZIP_ONLY) == Z_OK;
  if (self->started)
    return &self->input;
  error_set_errno(error, ENOMEM, "could not open '%s'", inner->name);
  gzip_close(&self->input);
  return NULL;
}
