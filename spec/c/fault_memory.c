// Makes allocations of pghost fail, for the specs: a library for LD_PRELOAD that stands before
// malloc, calloc, realloc and aligned allocations of everything in the process, Lua and the shared
// libraries included.
//
// PGHOST_FAIL_ALLOCATION="N[+][@T]": the N-th allocation fails, and with `+` each one after it;
// with @T it counts those of one thread alone, numbered by their first allocation (0: main). N = 0
// fails none. PGHOST_FAIL_COUNTS=FILE: of COUNTERS * 8 bytes, mapped: how many there were in all,
// and of each thread.
//
// Programs that pghost starts are left alone.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { COUNTERS = 64, ALL_THREADS = -1 };

// What glibc exports for those who stand before it.
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static _Atomic uint64_t own[COUNTERS]; // where no file is given
static _Atomic uint64_t *counters = own;
static bool armed;
static uint64_t fails_at;
static bool fails_on;
static long only = ALL_THREADS;
static atomic_int threads;
static _Thread_local int number __attribute__((tls_model("initial-exec"))) = -1;

static void map_counters(const char *path) {
  int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0)
    return;
  void *memory = mmap(NULL, sizeof own, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory != MAP_FAILED)
    counters = memory;
  close(fd);
}

__attribute__((constructor)) static void arm(void) {
  const char *text = getenv("PGHOST_FAIL_ALLOCATION");
  map_counters(getenv("PGHOST_FAIL_COUNTS"));
  unsetenv("LD_PRELOAD");
  if (!text)
    return;
  char *rest;
  fails_at = strtoull(text, &rest, 10);
  fails_on = *rest == '+';
  rest += fails_on;
  only = *rest == '@' ? strtol(rest + 1, NULL, 10) : ALL_THREADS;
  armed = true;
}

// To stop at with a debugger: `break fault_memory_fails`.
void fault_memory_fails(void);
void fault_memory_fails(void) {
  errno = ENOMEM;
}

static bool refused(void) {
  if (!armed)
    return false;
  if (number < 0)
    number = atomic_fetch_add(&threads, 1);
  uint64_t all = atomic_fetch_add(&counters[0], 1) + 1;
  uint64_t mine = number < COUNTERS - 1 ? atomic_fetch_add(&counters[number + 1], 1) + 1 : 0;
  uint64_t now = only == ALL_THREADS ? all : only == number ? mine : 0;
  bool fails = fails_at > 0 && (now == fails_at || (fails_on && now > fails_at));
  if (fails)
    fault_memory_fails();
  return fails;
}

void *malloc(size_t size) {
  return refused() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  return refused() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
  return refused() ? NULL : __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size) {
  return refused() ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  return refused() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
  void *got = refused() ? NULL : __libc_memalign(alignment, size);
  if (!got)
    return ENOMEM;
  *memory = got;
  return 0;
}
