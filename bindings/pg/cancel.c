// Cancelling in bounded time: PQcancel opens another connection and waits for the server without a
// limit, so it runs on a thread that is abandoned when the server does not answer.
#define _GNU_SOURCE // pthread_timedjoin_np
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "pg/conn.h"

enum { CANCEL_SECONDS = 5 };

static void *cancel_main(void *arg) {
  char reason[256]; // nothing to do about a failure: the drain that follows has a deadline
  PQcancel(arg, reason, sizeof reason);
  PQfreeCancel(arg);
  return NULL;
}

// Signals are for the thread that called us.
static bool start(pthread_t *thread, PGcancel *cancel) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool started = pthread_create(thread, NULL, cancel_main, cancel) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return started;
}

void conn_cancel(PGconn *conn) {
  PGcancel *cancel = PQgetCancel(conn);
  pthread_t thread;
  if (!cancel)
    return;
  if (!start(&thread, cancel)) {
    PQfreeCancel(cancel);
    return;
  }
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += CANCEL_SECONDS;
  if (pthread_timedjoin_np(thread, NULL, &until) != 0)
    pthread_detach(thread);
}
