// The input over zstd, xz and bzip2, by libarchive.
//
// libarchive is given the filter and tries no other: a file is decompressed only once. What it
// leaves unread after the data (bzip2) is an error here.
#include <archive.h>
#include <archive_entry.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/inputs.h"
#include "csv/input_parts.h"

enum { PACKED_BLOCK = 64 * 1024 };

typedef struct PackedInput {
  Input input; // first: an Input * is a PackedInput *
  RawInput *inner;
  struct archive *archive;
  uint64_t taken;
  bool empty; // nothing comes out of it
  bool inner_failed;
  Error inner_error;
  char block[PACKED_BLOCK];
} PackedInput;

static ptrdiff_t read_inner(PackedInput *self, Error *error) {
  Input *inner = &self->inner->input;
  return inner->read(inner, self->block, sizeof self->block, error);
}

static la_ssize_t give_block(struct archive *archive, void *data, const void **block) {
  PackedInput *self = data;
  *block = self->block;
  ptrdiff_t got = read_inner(self, &self->inner_error);
  if (got >= 0) {
    self->taken += (uint64_t)got;
    return (la_ssize_t)got;
  }
  self->inner_failed = true;
  archive_set_error(archive, EIO, "%s", self->inner_error.message);
  return ARCHIVE_FATAL;
}

ptrdiff_t input_archive_failed(Error *error, const char *name, struct archive *archive,
                               const char *otherwise) {
  if (archive_errno(archive) == ENOMEM) {
    error_set_errno(error, ENOMEM, "could not read '%s'", name);
    return -1;
  }
  const char *what = archive_error_string(archive);
  char reason[200];
  snprintf(reason, sizeof reason, "%s", what ? what : otherwise);
  if (isupper((unsigned char)reason[0]) && !isupper((unsigned char)reason[1]))
    reason[0] = (char)tolower((unsigned char)reason[0]);
  return input_damaged(error, name, reason);
}

static ptrdiff_t packed_failed(const PackedInput *self, Error *error) {
  if (self->inner_failed) {
    *error = self->inner_error;
    return -1;
  }
  return input_archive_failed(error, self->inner->name, self->archive, "damaged data");
}

// At the end of the decompressed bytes: nothing may follow the compressed ones.
static ptrdiff_t check_end(PackedInput *self, Error *error) {
  bool all = (uint64_t)archive_filter_bytes(self->archive, -1) == self->taken;
  ptrdiff_t more = all ? read_inner(self, error) : 1;
  if (more <= 0)
    return more;
  return input_damaged(error, self->inner->name,
                       "other data follows the end of the compressed data");
}

static ptrdiff_t packed_read(Input *input, char *out, size_t size, Error *error) {
  PackedInput *self = (PackedInput *)input;
  la_ssize_t got = self->empty ? 0 : archive_read_data(self->archive, out, size);
  if (got < 0)
    return packed_failed(self, error);
  return got > 0 ? (ptrdiff_t)got : check_end(self, error);
}

static uint64_t packed_taken(const Input *input) {
  return (uint64_t)archive_filter_bytes(((const PackedInput *)input)->archive, -1);
}

static void packed_close(Input *input) {
  PackedInput *self = (PackedInput *)input;
  archive_read_free(self->archive);
  self->inner->input.close(&self->inner->input);
  free(self);
}

static int filter_of(PackedKind kind) {
  static const int filters[] = {
      [PACKED_ZSTD] = ARCHIVE_FILTER_ZSTD,
      [PACKED_XZ] = ARCHIVE_FILTER_XZ,
      [PACKED_BZIP2] = ARCHIVE_FILTER_BZIP2,
  };
  return filters[kind];
}

static bool start(PackedInput *self, PackedKind kind, Error *error) {
  struct archive *archive = self->archive;
  struct archive_entry *entry;
  if (archive_read_support_format_raw(archive) != ARCHIVE_OK ||
      archive_read_support_format_empty(archive) != ARCHIVE_OK ||
      archive_read_append_filter(archive, filter_of(kind)) != ARCHIVE_OK ||
      archive_read_open(archive, self, NULL, give_block, NULL) != ARCHIVE_OK) {
    packed_failed(self, error);
    return false;
  }
  // A file damaged from the start looks empty, except for the error of the first look.
  bool good = archive_errno(archive) == 0;
  int status = good ? archive_read_next_header(archive, &entry) : ARCHIVE_FATAL;
  self->empty = status == ARCHIVE_EOF;
  if (status == ARCHIVE_OK || self->empty)
    return true;
  packed_failed(self, error);
  return false;
}

Input *input_open_packed(RawInput *inner, PackedKind kind, Error *error) {
  PackedInput *self = calloc(1, sizeof *self);
  if (!self) {
    error_set_errno(error, ENOMEM, "could not open '%s'", inner->name);
    inner->input.close(&inner->input);
    return NULL;
  }
  self->input = (Input){packed_read, packed_close, packed_taken};
  self->inner = inner;
  self->archive = archive_read_new();
  if (self->archive && start(self, kind, error))
    return &self->input;
  if (!self->archive)
    error_set_errno(error, ENOMEM, "could not open '%s'", inner->name);
  packed_close(&self->input);
  return NULL;
}
