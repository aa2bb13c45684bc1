// Inputs: a file or standard input without decompression, and bytes in memory.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "csv/input_parts.h"

enum { WAIT_MS = 100 }; // a signal may arrive on another thread: look at the flags this often

typedef struct FileInput {
  RawInput raw;  // first: an Input * is a FileInput *
  int fd;        // -1: not open
  bool borrowed; // standard input: not ours to close
  bool waits;    // a pipe, a terminal or the like: its bytes may be long in coming
  char *name;
  char head[INPUT_HEAD]; // first bytes that were looked at where one cannot seek
  size_t head_len;
} FileInput;

typedef struct BytesInput {
  Input input;
  size_t at;
  size_t len;
  char bytes[];
} BytesInput;

ptrdiff_t input_damaged(Error *error, const char *name, const char *what) {
  error_set(error, "archive", "could not read '%s': %s", name, what);
  return -1;
}

static ptrdiff_t give_head(FileInput *file, char *out, size_t size) {
  size_t got = size < file->head_len ? size : file->head_len;
  memcpy(out, file->head, got);
  memmove(file->head, file->head + got, file->head_len - got);
  file->head_len -= got;
  return (ptrdiff_t)got;
}

static ptrdiff_t interrupted(const FileInput *file, Error *error) {
  error_set(error, "interrupted", "reading '%s' was interrupted", file->name);
  return -1;
}

// Waits until there is something to read, or the end of it. False: asked to stop.
static bool wait_for_bytes(const FileInput *file) {
  struct pollfd ready = {.fd = file->fd, .events = POLLIN};
  int count = 0;
  while (count == 0 && !interrupt_wanted()) {
    count = poll(&ready, 1, WAIT_MS);
    if (count < 0 && errno == EINTR)
      count = 0;
  }
  return count != 0; // what poll cannot wait for, read tells
}

// The file must not have shrunk. A file truncated while it is read (a rotated log) may end after
// any record, and nobody would notice the missing ones.
static ptrdiff_t at_end(const FileInput *file, Error *error) {
  struct stat facts;
  off_t size = (off_t)file->raw.size;
  if (size == 0 || fstat(file->fd, &facts) != 0)
    return 0;
  if (facts.st_size >= size && facts.st_size >= lseek(file->fd, 0, SEEK_CUR))
    return 0;
  error_set(error, "changed", "could not read '%s': it became shorter while it was read",
            file->name);
  return -1;
}

static ptrdiff_t file_read(Input *input, char *out, size_t size, Error *error) {
  FileInput *file = (FileInput *)input;
  if (file->head_len > 0)
    return give_head(file, out, size);
  for (;;) {
    if (file->waits && !wait_for_bytes(file))
      return interrupted(file, error);
    ssize_t got = read(file->fd, out, size);
    if (got >= 0)
      return got > 0 || size == 0 ? got : at_end(file, error);
    if (errno == EINTR && !interrupt_wanted())
      continue;
    if (errno == EINTR)
      return interrupted(file, error);
    error_set_errno(error, errno, "could not read '%s'", file->name);
    return -1;
  }
}

static void file_close(Input *input) {
  FileInput *file = (FileInput *)input;
  if (file->fd >= 0 && !file->borrowed)
    close(file->fd);
  free(file->name);
  free(file);
}

// Opens without waiting for a writer of a named pipe: file_read does that, where it can be stopped.
static int open_path(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  int flags = fd >= 0 ? fcntl(fd, F_GETFL) : -1;
  if (flags >= 0)
    fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
  return fd;
}

// Determines what was opened; returns why it cannot be read, 0: it can.
static int look_at(FileInput *file) {
  struct stat facts;
  if (fstat(file->fd, &facts) != 0)
    return errno;
  file->waits = !S_ISREG(facts.st_mode) && !S_ISBLK(facts.st_mode);
  file->raw.size = S_ISREG(facts.st_mode) ? (uint64_t)facts.st_size : 0;
  file->raw.fd = S_ISREG(facts.st_mode) ? file->fd : -1;
  return S_ISDIR(facts.st_mode) ? EISDIR : 0;
}

static ptrdiff_t file_peek(RawInput *raw, char head[INPUT_HEAD], Error *error) {
  FileInput *file = (FileInput *)raw;
  off_t start = file->waits ? -1 : lseek(file->fd, 0, SEEK_CUR);
  char first[INPUT_HEAD];
  size_t len = 0;
  while (len < INPUT_HEAD) {
    ptrdiff_t got = start < 0 ? file_read(&raw->input, first + len, INPUT_HEAD - len, error)
                              : pread(file->fd, first + len, INPUT_HEAD - len, start + (off_t)len);
    if (got < 0 && start >= 0 && errno == EINTR)
      continue;
    if (got < 0 && start >= 0)
      error_set_errno(error, errno, "could not read '%s'", file->name);
    if (got < 0)
      return -1;
    if (got == 0)
      break;
    len += (size_t)got;
  }
  memcpy(head, first, len);
  if (start < 0) {
    memcpy(file->head, first, len);
    file->head_len = len;
  }
  return (ptrdiff_t)len;
}

static RawInput *no_memory(Error *error) {
  error_set_errno(error, ENOMEM, "could not open the input");
  return NULL;
}

RawInput *input_open_file(const char *path, Error *error) {
  bool standard = strcmp(path, "-") == 0;
  FileInput *file = calloc(1, sizeof *file);
  if (!file)
    return no_memory(error);
  file->borrowed = standard;
  file->name = strdup(standard ? "standard input" : path);
  file->raw = (RawInput){
      .input = {file_read, file_close, NULL}, .peek = file_peek, .name = file->name, .fd = -1};
  file->fd = standard ? STDIN_FILENO : open_path(path);
  int reason = file->fd < 0 ? errno : !file->name ? ENOMEM : look_at(file);
  if (reason) {
    error_set_errno(error, reason, "could not open '%s'", path);
    file_close(&file->raw.input);
    return NULL;
  }
  posix_fadvise(file->fd, 0, 0, POSIX_FADV_SEQUENTIAL); // a hint: pipes refuse it
  return &file->raw;
}

static ptrdiff_t bytes_read(Input *input, char *out, size_t size, Error *error) {
  (void)error;
  BytesInput *source = (BytesInput *)input;
  size_t left = source->len - source->at;
  size_t got = size < left ? size : left;
  memcpy(out, source->bytes + source->at, got);
  source->at += got;
  return (ptrdiff_t)got;
}

static void bytes_close(Input *input) {
  free(input);
}

bool input_is_in_memory(const Input *input) {
  return input->read == bytes_read;
}

Input *input_open_bytes(const char *bytes, size_t len) {
  BytesInput *source = calloc(1, sizeof *source + len);
  if (!source)
    return NULL;
  source->input = (Input){bytes_read, bytes_close, NULL};
  source->len = len;
  if (len > 0)
    memcpy(source->bytes, bytes, len);
  return &source->input;
}
