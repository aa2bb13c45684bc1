#include "csv/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "csv/archive_parts.h"

// libpq gives one row at a time: they are written, and compressed, by the block.
enum { BLOCK = 64 * 1024 };

struct Output {
  int fd;
  size_t most; // bytes that are held back: BLOCK, or 0 for a terminal
  size_t held;
  char block[BLOCK];
  char *path;             // NULL: standard output
  char written[PATH_MAX]; // the file beside it; "" where the bytes go to the place itself
  const ArchiveParts *parts;
  Packer *packer; // NULL: not packed
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

static bool write_packed(void *output, const char *bytes, size_t len, Error *error) {
  return write_all(output, bytes, len, error);
}

static bool begin_packing(Output *output, const char *packing, Error *error) {
  output->parts = archive_parts(error);
  if (output->parts)
    output->packer = output->parts->pack(packing, write_packed, output, error);
  return output->packer != NULL;
}

// Anything existing that is not a file (a pipe, /dev/null), or is open already, is written to
// directly.
static bool is_special(const char *path) {
  static const char opened[] = "/proc/self/fd/";
  struct stat facts;
  return stat(path, &facts) == 0 &&
         (!S_ISREG(facts.st_mode) || strncmp(path, opened, sizeof opened - 1) == 0);
}

static bool open_file(Output *output, Error *error) {
  if (!output->path) {
    output->fd = STDOUT_FILENO;
    output->most = isatty(STDOUT_FILENO) ? 0 : BLOCK;
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
    output->most = BLOCK;
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

static bool pass_on(Output *output, const char *bytes, size_t len, Error *error) {
  return output->packer ? output->parts->pack_bytes(output->packer, bytes, len, error)
                        : write_all(output, bytes, len, error);
}

static bool pass_on_held(Output *output, Error *error) {
  size_t held = output->held;
  output->held = 0;
  return held == 0 || pass_on(output, output->block, held, error);
}

bool output_write(Output *output, const char *bytes, size_t len, Error *error) {
  if (output->held + len > output->most && !pass_on_held(output, error))
    return false;
  if (len > output->most)
    return pass_on(output, bytes, len, error);
  memcpy(output->block + output->held, bytes, len);
  output->held += len;
  return true;
}

static void release(Output *output) {
  if (output->packer)
    output->parts->pack_close(output->packer);
  if (output->path && output->fd >= 0)
    close(output->fd);
  if (output->written[0])
    unlink(output->written);
  free(output->path);
  free(output);
}

// Network file systems tell only on close what could not be written.
static bool close_file(Output *output) {
  int fd = output->fd;
  output->fd = -1;
  return close(fd) == 0;
}

// To the disk, and to its place.
static bool settle(Output *output, Error *error) {
  if (!output->path)
    return true; // stdout is the host's
  if (!output->written[0])
    return close_file(output) || write_failed(output, errno, error);
  if (fsync(output->fd) != 0 && errno != EINVAL)
    return write_failed(output, errno, error);
  if (!close_file(output) || rename(output->written, output->path) != 0)
    return write_failed(output, errno, error);
  output->written[0] = 0;
  return true;
}

bool output_finish(Output *output, Error *error) {
  bool good = pass_on_held(output, error) &&
              (!output->packer || output->parts->pack_end(output->packer, error)) &&
              settle(output, error);
  release(output);
  return good;
}

void output_abort(Output *output) {
  if (output)
    release(output);
}
