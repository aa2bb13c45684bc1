// Makes reads and writes short, for the specs: a library for LD_PRELOAD that stands before read,
// write, recv, send and their kin of everything in the process except stdio, which calls the kernel
// by itself.
//
// PGHOST_SHORT_CALLS=N: no call moves more than N bytes, and each fourth is interrupted (EINTR)
// before it moves any. Programs that pghost starts are left alone.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static size_t most = SIZE_MAX;
static atomic_uint calls;

__attribute__((constructor)) static void arm(void) {
  const char *text = getenv("PGHOST_SHORT_CALLS");
  if (text)
    most = strtoul(text, NULL, 10);
  unsetenv("LD_PRELOAD");
}

static bool interrupted(void) {
  bool is = most != SIZE_MAX && atomic_fetch_add(&calls, 1) % 4 == 3;
  if (is)
    errno = EINTR;
  return is;
}

static size_t least(size_t size) {
  return size < most ? size : most;
}

#define REAL(name) (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

ssize_t read(int fd, void *to, size_t size) {
  static __typeof__(read) *real;
  real = real ? real : REAL(read);
  return interrupted() ? -1 : real(fd, to, least(size));
}

ssize_t write(int fd, const void *from, size_t size) {
  static __typeof__(write) *real;
  real = real ? real : REAL(write);
  return interrupted() ? -1 : real(fd, from, least(size));
}

ssize_t pread(int fd, void *to, size_t size, off_t offset) {
  static __typeof__(pread) *real;
  real = real ? real : REAL(pread);
  return interrupted() ? -1 : real(fd, to, least(size), offset);
}

ssize_t pread64(int fd, void *to, size_t size, off64_t offset) {
  static __typeof__(pread64) *real;
  real = real ? real : REAL(pread64);
  return interrupted() ? -1 : real(fd, to, least(size), offset);
}

ssize_t pwrite(int fd, const void *from, size_t size, off_t offset) {
  static __typeof__(pwrite) *real;
  real = real ? real : REAL(pwrite);
  return interrupted() ? -1 : real(fd, from, least(size), offset);
}

ssize_t recv(int fd, void *to, size_t size, int flags) {
  static __typeof__(recv) *real;
  real = real ? real : REAL(recv);
  return interrupted() ? -1 : real(fd, to, least(size), flags);
}

ssize_t send(int fd, const void *from, size_t size, int flags) {
  static __typeof__(send) *real;
  real = real ? real : REAL(send);
  return interrupted() ? -1 : real(fd, from, least(size), flags);
}

// One piece is enough for a short one.
ssize_t writev(int fd, const struct iovec *pieces, int count) {
  static __typeof__(writev) *real;
  real = real ? real : REAL(writev);
  if (most == SIZE_MAX)
    return real(fd, pieces, count);
  return count > 0 ? write(fd, pieces->iov_base, pieces->iov_len) : 0;
}
