// Has a Ctrl-C come at the worst moment, for the specs: a library for LD_PRELOAD that raises SIGINT
// right before the process goes to sleep until there is input on stdin.
//
// PGHOST_SIGNAL_AT=N: before the N-th such sleep.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static void before_sleep(const struct pollfd *fds, nfds_t count) {
  static long sleeps;
  const char *at = getenv("PGHOST_SIGNAL_AT");
  if (at && count == 1 && fds[0].fd == STDIN_FILENO && ++sleeps == atol(at))
    raise(SIGINT);
}

int poll(struct pollfd *fds, nfds_t count, int timeout) {
  int (*real)(struct pollfd *, nfds_t, int) =
      (int (*)(struct pollfd *, nfds_t, int))dlsym(RTLD_NEXT, "poll");
  if (timeout < 0)
    before_sleep(fds, count);
  return real(fds, count, timeout);
}

int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask) {
  int (*real)(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *) =
      (int (*)(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *))dlsym(RTLD_NEXT,
                                                                                         "ppoll");
  if (!timeout)
    before_sleep(fds, count);
  return real(fds, count, timeout, mask);
}
