#include "csv/output.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct Output {
  int fd;
  char *path;              // NULL: standard output
  char written[PATH_MAX];  // the file beside it; "" where the bytes go to the place itself
  struct archive *archive; // NULL: not packed
  struct archive_entry *entry;
};

const char *output_packing(const char *path) {
  static const char *const ends[][2] = {
      {".gz", "gzip"}, {".zst", "zstd"}, {".xz", "xz"}, {".bz2", "bzip2"}};
  size_t len = strlen(path);
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    size_t end = strlen(ends[i][0]);
    if (len > end && strcmp(path + len - end, ends[i][0]) == 0)
      return ends[i][1];
  }
  return NULL;
}

static bool write_failed(const Output *output, int number, Error *error) {
  return error_set_errno(error, number, "could not write '%s'",
                         output->path ? output->path : "standard output");
}

static bool write_all(const Output *output, const char *bytes, size_t len, Error *error) {
  while (len > 0) {
    ssize_t done = write(output->fd, bytes, len);
    if (done < 0 && errno == EINTR)
      continue;
    if (done < 0)
      return write_failed(output, errno, error);
    bytes += done;
    len -= (size_t)done;
  }
  return true;
}

// Called by libarchive with packed bytes.
static la_ssize_t take_packed(struct archive *archive, void *data, const void *bytes, size_t len) {
  Error error;
  if (write_all(data, bytes, len, &error))
    return (la_ssize_t)len;
  archive_set_error(archive, EIO, "%s", error.message);
  return -1;
}

static bool packing_failed(const Output *output, Error *error) {
  const char *what = archive_error_string(output->archive);
  if (archive_errno(output->archive) == ENOMEM)
    return error_set(error, "ENOMEM", "could not compress the output: out of memory");
  return error_set(error, "EIO", "%s", what ? what : "could not compress the output");
}

static bool begin_packing(Output *output, const char *packing, Error *error) {
  output->archive = archive_write_new();
  output->entry = archive_entry_new();
  if (!output->archive || !output->entry)
    return error_set(error, "ENOMEM", "out of memory");
  if (archive_write_add_filter_by_name(output->archive, packing) < ARCHIVE_WARN)
    return error_set(error, "EINVAL", "output cannot be compressed with '%s' here", packing);
  archive_write_set_format_raw(output->archive);
  archive_write_set_bytes_in_last_block(output->archive, 1); // no padding
  archive_entry_set_filetype(output->entry, AE_IFREG);
  if (archive_write_open(output->archive, output, NULL, take_packed, NULL) != ARCHIVE_OK ||
      archive_write_header(output->archive, output->entry) != ARCHIVE_OK)
    return packing_failed(output, error);
  return true;
}

// What exists and is not a file (a pipe, /dev/null) is written to as it is.
static bool is_special(const char *path) {
  struct stat facts;
  return stat(path, &facts) == 0 && !S_ISREG(facts.st_mode);
}

static bool open_file(Output *output, Error *error) {
  if (!output->path) {
    output->fd = STDOUT_FILENO;
    return true;
  }
  if (is_special(output->path)) {
    output->fd = open(output->path, O_WRONLY | O_CLOEXEC);
  } else {
    int used = snprintf(output->written, sizeof output->written, "%s.%ld.part", output->path,
                        (long)getpid());
    if (used < 0 || (size_t)used >= sizeof output->written)
      return error_set(error, "ENAMETOOLONG", "could not write '%s': the name is too long",
                       output->path);
    output->fd = open(output->written, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (output->fd < 0)
      output->written[0] = 0;
  }
  return output->fd >= 0 || write_failed(output, errno, error);
}

Output *output_open(const char *path, const char *packing, Error *error) {
  Output *output = calloc(1, sizeof *output);
  if (output) {
    output->fd = -1;
    output->path = path ? strdup(path) : NULL;
  }
  if (!output || (path && !output->path)) {
    free(output);
    error_set(error, "ENOMEM", "out of memory");
    return NULL;
  }
  if (open_file(output, error) && (!packing || begin_packing(output, packing, error)))
    return output;
  output_abort(output);
  return NULL;
}

bool output_write(Output *output, const char *bytes, size_t len, Error *error) {
  if (!output->archive)
    return write_all(output, bytes, len, error);
  return archive_write_data(output->archive, bytes, len) == (la_ssize_t)len ||
         packing_failed(output, error);
}

static void release(Output *output) {
  if (output->archive)
    archive_write_free(output->archive);
  archive_entry_free(output->entry);
  if (output->path && output->fd >= 0)
    close(output->fd);
  if (output->written[0])
    unlink(output->written);
  free(output->path);
  free(output);
}

// To the disk, and to its place.
static bool settle(Output *output, Error *error) {
  if (!output->written[0])
    return true;
  if (fsync(output->fd) != 0 && errno != EINVAL)
    return write_failed(output, errno, error);
  int fd = output->fd;
  output->fd = -1;
  if (close(fd) != 0 || rename(output->written, output->path) != 0)
    return write_failed(output, errno, error);
  output->written[0] = 0;
  return true;
}

bool output_finish(Output *output, Error *error) {
  bool good = (!output->archive || archive_write_close(output->archive) == ARCHIVE_OK ||
               packing_failed(output, error)) &&
              settle(output, error);
  release(output);
  return good;
}

void output_abort(Output *output) {
  if (!output)
    return;
  if (output->archive)
    archive_write_fail(output->archive);
  release(output);
}
