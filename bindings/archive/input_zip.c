// The input over a member of a zip, by libarchive and the zip's own directory.
//
// A zip can only be read through its directory, which is at its end: data from a pipe goes to an
// unnamed temporary file first. libarchive looks for that directory in the last bytes of a file and
// takes what it finds; here it must end the file exactly, so that a zip that is cut short or
// extended is an error and not fewer records.
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/inputs.h"
#include "csv/input_parts.h"

enum {
  ZIP_BLOCK = 64 * 1024,
  END_SIZE = 22, // of the record that ends a zip, without its comment
  END_COMMENT = 20,
  MOST_COMMENT = 65535,
};

typedef struct ZipInput {
  Input input; // first: an Input * is a ZipInput *
  RawInput *inner;
  FILE *copy; // of what came through a pipe, or NULL
  struct archive *archive;
  uint64_t given;
  uint64_t size; // of the member
} ZipInput;

// Opening

static bool read_tail(int fd, char *tail, size_t len, off_t from) {
  for (size_t at = 0; at < len;) {
    ssize_t got = pread(fd, tail + at, len - at, from + (off_t)at);
    if (got <= 0 && errno != EINTR)
      return false;
    at += got > 0 ? (size_t)got : 0;
  }
  return true;
}

// True when tail[0, len) ends with the record that ends a zip, comment included.
static bool ends_zip(const char *tail, size_t len) {
  for (size_t at = 0; at + END_SIZE <= len; at++) {
    const unsigned char *end = (const unsigned char *)tail + at;
    size_t comment = (size_t)(end[END_COMMENT] | end[END_COMMENT + 1] << 8);
    if (memcmp(end, "PK\x05\x06", 4) == 0 && at + END_SIZE + comment == len)
      return true;
  }
  return false;
}

static bool is_whole(int fd) {
  struct stat facts;
  if (fstat(fd, &facts) != 0)
    return false;
  char tail[END_SIZE + MOST_COMMENT];
  off_t most = sizeof tail;
  size_t len = (size_t)(facts.st_size < most ? facts.st_size : most);
  return read_tail(fd, tail, len, facts.st_size - (off_t)len) && ends_zip(tail, len);
}

// Copies a source that cannot be read twice. False: error filled.
static bool copy_inner(ZipInput *self, Error *error) {
  char block[ZIP_BLOCK];
  self->copy = tmpfile();
  if (!self->copy)
    return error_set_errno(error, errno, "could not make a temporary file for '%s'",
                           self->inner->name);
  for (;;) {
    ptrdiff_t got = self->inner->input.read(&self->inner->input, block, sizeof block, error);
    if (got < 0)
      return false;
    if (got == 0)
      break;
    if (fwrite(block, 1, (size_t)got, self->copy) != (size_t)got)
      return error_set_errno(error, errno, "could not copy '%s'", self->inner->name);
  }
  if (fflush(self->copy) != 0)
    return error_set_errno(error, errno, "could not copy '%s'", self->inner->name);
  return true;
}

static bool zip_failed(const ZipInput *self, Error *error) {
  input_archive_failed(error, self->inner->name, self->archive, "damaged zip");
  return false;
}

static int zip_fd(const ZipInput *self) {
  return self->copy ? fileno(self->copy) : self->inner->fd;
}

// Goes to the start of the directory, for the first time or again.
static bool start_archive(ZipInput *self, Error *error) {
  archive_read_free(self->archive);
  int fd = zip_fd(self);
  lseek(fd, 0, SEEK_SET);
  self->archive = archive_read_new();
  if (!self->archive)
    return error_set_errno(error, ENOMEM, "could not open '%s'", self->inner->name);
  if (archive_read_support_format_zip_seekable(self->archive) != ARCHIVE_OK ||
      archive_read_open_fd(self->archive, fd, ZIP_BLOCK) != ARCHIVE_OK)
    return zip_failed(self, error);
  return true;
}

static bool open_archive(ZipInput *self, Error *error) {
  if (self->inner->fd < 0 && !copy_inner(self, error))
    return false;
  if (is_whole(zip_fd(self)))
    return start_archive(self, error);
  input_damaged(error, self->inner->name, "the zip is truncated, or other data follows its end");
  return false;
}

static void zip_close(Input *input) {
  ZipInput *self = (ZipInput *)input;
  archive_read_free(self->archive);
  if (self->copy)
    fclose(self->copy);
  self->inner->input.close(&self->inner->input);
  free(self);
}

static ptrdiff_t zip_read(Input *input, char *out, size_t size, Error *error) {
  ZipInput *self = (ZipInput *)input;
  la_ssize_t got = archive_read_data(self->archive, out, size);
  if (got < 0) {
    zip_failed(self, error);
    return -1;
  }
  self->given += (uint64_t)got;
  if (got == 0 && self->given != self->size)
    return input_damaged(error, self->inner->name,
                         "the member does not have the size that the zip says");
  return (ptrdiff_t)got;
}

// Takes over `inner`. NULL: error filled.
static ZipInput *new_zip(RawInput *inner, Error *error) {
  ZipInput *self = calloc(1, sizeof *self);
  if (!self) {
    error_set_errno(error, ENOMEM, "could not open '%s'", inner->name);
    inner->input.close(&inner->input);
    return NULL;
  }
  self->input = (Input){zip_read, zip_close, NULL};
  self->inner = inner;
  if (open_archive(self, error))
    return self;
  zip_close(&self->input);
  return NULL;
}

// Members

static const char *member_name(struct archive_entry *entry) {
  const char *name = archive_entry_pathname(entry);
  if (!name)
    name = archive_entry_pathname_utf8(entry);
  return name ? name : "";
}

// The next file in the zip: 1, 0 at the end, -1 with `error` filled.
static int next_file(const ZipInput *self, struct archive_entry **entry, Error *error) {
  for (;;) {
    int status = archive_read_next_header(self->archive, entry);
    if (status == ARCHIVE_EOF)
      return 0;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) { // a warning is about the name
      zip_failed(self, error);
      return -1;
    }
    if (archive_entry_filetype(*entry) == AE_IFREG)
      return 1;
  }
}

bool input_visit_zip(RawInput *inner, MemberVisitor visit, void *data, Error *error) {
  ZipInput *self = new_zip(inner, error);
  if (!self)
    return false;
  struct archive_entry *entry;
  int found;
  while ((found = next_file(self, &entry, error)) == 1) {
    int64_t size = archive_entry_size(entry);
    if (!visit(data, member_name(entry), size > 0 ? (uint64_t)size : 0, error)) {
      found = -1;
      break;
    }
  }
  zip_close(&self->input);
  return found == 0;
}

// Goes to the member, by name or the only one.
static bool find_member(ZipInput *self, const char *member, Error *error) {
  struct archive_entry *entry;
  int found;
  while ((found = next_file(self, &entry, error)) == 1) {
    if (member && strcmp(member_name(entry), member) != 0)
      continue;
    self->size = (uint64_t)archive_entry_size(entry);
    return true;
  }
  if (found < 0)
    return false;
  if (!member)
    return error_set(error, "archive", "'%s' is a zip without a file in it", self->inner->name);
  return error_set(error, "archive", "no member '%s' in '%s'", member, self->inner->name);
}

// No member was named: there must be only one.
static bool check_single(ZipInput *self, Error *error) {
  struct archive_entry *entry;
  int count = 0, found;
  while ((found = next_file(self, &entry, error)) == 1)
    count++;
  if (found < 0)
    return false;
  if (count > 1)
    return error_set(error, "archive", "'%s' is a zip of %d files: name one of them",
                     self->inner->name, count);
  return start_archive(self, error);
}

Input *input_open_member(RawInput *inner, const char *member, Error *error) {
  ZipInput *self = new_zip(inner, error);
  if (!self)
    return NULL;
  if ((member || check_single(self, error)) && find_member(self, member, error))
    return &self->input;
  zip_close(&self->input);
  return NULL;
}
