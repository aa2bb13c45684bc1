// The input over zstd, xz and bzip2, by libarchive; and what a file is by its first bytes.
//
// libarchive is told which filter to use, and looks for no other: a file is unpacked once. What it
// leaves unread behind the data (bzip2) is an error here.
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "csv/input.h"

enum { PACKED_BLOCK = 64 * 1024 };

typedef struct PackedInput {
  Input input; // first: an Input * is a PackedInput *
  Input *inner;
  char *name;
  struct archive *archive;
  uint64_t taken;
  bool empty; // nothing comes out of it
  bool inner_failed;
  Error inner_error;
  char block[PACKED_BLOCK];
} PackedInput;

ptrdiff_t input_damaged(Error *error, const char *name, const char *what) {
  error_set(error, "archive", "could not read '%s': %s", name, what);
  return -1;
}

static la_ssize_t give_block(struct archive *archive, void *data, const void **block) {
  PackedInput *self = data;
  *block = self->block;
  ptrdiff_t got =
      self->inner->read(self->inner, self->block, sizeof self->block, &self->inner_error);
  if (got >= 0) {
    self->taken += (uint64_t)got;
    return (la_ssize_t)got;
  }
  self->inner_failed = true;
  archive_set_error(archive, EIO, "%s", self->inner_error.message);
  return ARCHIVE_FATAL;
}

static ptrdiff_t packed_failed(const PackedInput *self, Error *error) {
  if (self->inner_failed) {
    *error = self->inner_error;
    return -1;
  }
  const char *what = archive_error_string(self->archive);
  return input_damaged(error, self->name, what ? what : "damaged data");
}

// At the end of the unpacked bytes: nothing may follow the packed ones.
static ptrdiff_t check_end(PackedInput *self, Error *error) {
  bool all = (uint64_t)archive_filter_bytes(self->archive, -1) == self->taken;
  ptrdiff_t more = all ? self->inner->read(self->inner, self->block, sizeof self->block, error) : 1;
  if (more <= 0)
    return more;
  return input_damaged(error, self->name, "something else follows the end of the packed data");
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
  self->inner->close(self->inner);
  free(self->name);
  free(self);
}

static bool start(PackedInput *self, int filter, Error *error) {
  struct archive *archive = self->archive;
  struct archive_entry *entry;
  if (archive_read_support_format_raw(archive) != ARCHIVE_OK ||
      archive_read_support_format_empty(archive) != ARCHIVE_OK ||
      archive_read_append_filter(archive, filter) != ARCHIVE_OK ||
      archive_read_open(archive, self, NULL, give_block, NULL) != ARCHIVE_OK) {
    packed_failed(self, error);
    return false;
  }
  // What is damaged from the start looks like an empty file, but for the error of the first look.
  bool good = archive_errno(archive) == 0;
  int status = good ? archive_read_next_header(archive, &entry) : ARCHIVE_FATAL;
  self->empty = status == ARCHIVE_EOF;
  if (status == ARCHIVE_OK || self->empty)
    return true;
  packed_failed(self, error);
  return false;
}

Input *input_open_packed(Input *inner, int filter, const char *name, Error *error) {
  PackedInput *self = calloc(1, sizeof *self);
  if (!self) {
    inner->close(inner);
    error_set_errno(error, ENOMEM, "could not open '%s'", name);
    return NULL;
  }
  self->input = (Input){packed_read, packed_close, packed_taken};
  self->inner = inner;
  self->name = strdup(name);
  self->archive = archive_read_new();
  bool memory = self->name && self->archive;
  if (memory && start(self, filter, error))
    return &self->input;
  packed_close(&self->input);
  if (!memory)
    error_set_errno(error, ENOMEM, "could not open '%s'", name);
  return NULL;
}

// What a file is. Sources: RFC 1952 (gzip), RFC 8878 (zstd), the .xz file format 1.1.0, bzip2's
// manual, APPNOTE.TXT (zip).

typedef enum Kind { KIND_PLAIN, KIND_GZIP, KIND_ZSTD, KIND_XZ, KIND_BZIP2, KIND_ZIP } Kind;

static bool starts_with(const char *head, size_t len, const char *magic, size_t magic_len) {
  return len >= magic_len && memcmp(head, magic, magic_len) == 0;
}

// "BZh" and a digit could be a header; what follows in bzip2 (as far as it is there) could not.
static bool is_bzip2(const char *head, size_t len) {
  enum { DIGIT = 4, MARK = 6 };
  size_t rest = len < DIGIT ? 0 : len - DIGIT < MARK ? len - DIGIT : MARK;
  return rest > 0 && memcmp(head, "BZh", 3) == 0 &&
         (memcmp(head + DIGIT, "\x31\x41\x59\x26\x53\x59", rest) == 0 ||
          memcmp(head + DIGIT, "\x17\x72\x45\x38\x50\x90", rest) == 0);
}

#define STARTS_WITH(magic) starts_with(head, len, magic, sizeof(magic) - 1)

static Kind kind_of(const char *head, size_t len) {
  if (STARTS_WITH("\x1f\x8b\x08"))
    return KIND_GZIP;
  if (STARTS_WITH("\x28\xb5\x2f\xfd"))
    return KIND_ZSTD;
  if (STARTS_WITH("\xfd"
                  "7zXZ"))
    return KIND_XZ;
  if (STARTS_WITH("PK\x03\x04") || STARTS_WITH("PK\x05\x06"))
    return KIND_ZIP;
  return is_bzip2(head, len) ? KIND_BZIP2 : KIND_PLAIN;
}

static const char *name_of(const char *path) {
  return strcmp(path, "-") == 0 ? "standard input" : path;
}

static Input *no_zip(Input *file, const char *name, Error *error) {
  file->close(file);
  error_set(error, "archive", "'%s' is no zip: it has no members", name);
  return NULL;
}

Input *input_open(const char *path, const char *member, Error *error) {
  Input *file = input_open_file(path, error);
  if (!file)
    return NULL;
  char head[INPUT_HEAD];
  ptrdiff_t len = input_peek(file, head, error);
  if (len < 0) {
    file->close(file);
    return NULL;
  }
  const char *name = name_of(path);
  Kind kind = kind_of(head, (size_t)len);
  if (member && kind != KIND_ZIP)
    return no_zip(file, name, error);
  switch (kind) {
  case KIND_GZIP:
    return input_open_gzip(file, name, error);
  case KIND_ZSTD:
    return input_open_packed(file, ARCHIVE_FILTER_ZSTD, name, error);
  case KIND_XZ:
    return input_open_packed(file, ARCHIVE_FILTER_XZ, name, error);
  case KIND_BZIP2:
    return input_open_packed(file, ARCHIVE_FILTER_BZIP2, name, error);
  case KIND_ZIP:
    return input_open_member(file, member, name, error);
  case KIND_PLAIN:
    break;
  }
  return file;
}

bool input_visit_members(const char *path, MemberVisitor visit, void *data, bool *is_zip,
                         Error *error) {
  Input *file = input_open_file(path, error);
  if (!file)
    return false;
  char head[INPUT_HEAD];
  ptrdiff_t len = input_peek(file, head, error);
  *is_zip = len >= 0 && kind_of(head, (size_t)len) == KIND_ZIP;
  if (*is_zip)
    return input_visit_zip(file, name_of(path), visit, data, error);
  file->close(file);
  return len >= 0;
}
