// The state attached to a connection, its notices, and waiting. Not for statements.
#include "pg/state.h"

#include <errno.h>
#include <libpq-events.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/interrupt.h"

enum {
  NOTICE_LIMIT = 1000,
  SLICE_MS = 200, // a signal may arrive on another thread: look at the flag this often
  CLEANUP_MS = 10000,
  SILENCE_MS = 10000, // how long before the server is asked whether it lives
  LOOK_MS = 1000,     // how often libpq is asked for a result though nothing has come
  PING_OPTIONS = 64,  // of a connection string
  WAIT_MOST = 256,    // connections that are waited for at once
};

#define PING_SECONDS "5"

const char out_of_memory[] = "out of memory for the answer of the server";

static int on_event(PGEventId event, void *info, void *pass_through) {
  (void)pass_through;
  if (event == PGEVT_CONNDESTROY) {
    PGEventConnDestroy *destroy = info;
    free(PQinstanceData(destroy->conn, on_event));
  }
  return 1;
}

State *state_of(const PGconn *conn) {
  return PQinstanceData(conn, on_event);
}

static void put_text(Buffer *out, const char *text) {
  if (text)
    buffer_put(out, text, strlen(text));
}

static void put_field(Buffer *out, const char *title, const char *text) {
  if (!text)
    return;
  put_text(out, title);
  put_text(out, text);
}

// Runs inside libpq: only queues.
static void on_notice(void *arg, const PGresult *result) {
  State *state = arg;
  state->seen++;
  Notices *notices = state->notices;
  if (!notices)
    return;
  if (notices->count >= NOTICE_LIMIT) {
    notices->dropped++;
    return;
  }
  size_t before = notices->text.len;
  put_text(&notices->text, PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED));
  buffer_put(&notices->text, "", 1);
  const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  put_text(&notices->text, primary ? primary : PQresultErrorMessage(result));
  put_field(&notices->text, "\n  detail: ", PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL));
  put_field(&notices->text, "\n  hint: ", PQresultErrorField(result, PG_DIAG_MESSAGE_HINT));
  buffer_put(&notices->text, "", 1);
  if (notices->text.failed) {
    notices->text.len = before;
    notices->text.failed = false;
    notices->dropped++;
    return;
  }
  notices->count++;
}

bool state_attach(PGconn *conn, Notices *notices) {
  State *state = calloc(1, sizeof *state);
  if (!state)
    return false;
  state->notices = notices;
  if (!PQregisterEventProc(conn, on_event, "pghost", NULL)) {
    free(state);
    return false;
  }
  PQsetInstanceData(conn, on_event, state);
  PQsetNoticeReceiver(conn, on_notice, state);
  return true;
}

int64_t wait_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + 1;
}

int64_t wait_patience(void) {
  return interrupt_signal ? wait_clock() + CLEANUP_MS : 0;
}

bool state_break(PGconn *conn, const char *reason, Error *error) {
  State *state = state_of(conn);
  if (reason != state->lost)
    snprintf(state->lost, sizeof state->lost, "%s", reason);
  int socket = PQsocket(conn);
  if (socket >= 0)
    shutdown(socket, SHUT_RDWR);
  while (socket >= 0 && PQstatus(conn) == CONNECTION_OK && PQconsumeInput(conn)) {
  }
  return error_set(error, "08006", "%s", state->lost);
}

bool state_is_lost(const PGconn *conn) {
  const State *state = state_of(conn);
  return PQstatus(conn) != CONNECTION_OK || (state && state->lost[0]);
}

bool state_lose(PGconn *conn, const char *what, int64_t since_ms, Error *error) {
  State *state = state_of(conn);
  snprintf(state->lost, sizeof state->lost, "the server %s for %d s", what,
           (int)((since_ms + 500) / 1000));
  return state_break(conn, state->lost, error);
}

// Whether the server's postmaster still answers; needs no free connection and no right to log in.
static bool answers_ping(PGconn *conn) {
  PQconninfoOption *options = PQconninfo(conn);
  const char *keywords[PING_OPTIONS + 1] = {NULL}, *values[PING_OPTIONS + 1] = {NULL};
  int count = 0;
  for (PQconninfoOption *option = options; option && option->keyword; option++) {
    bool timeout = strcmp(option->keyword, "connect_timeout") == 0;
    if (timeout || !option->val || count == PING_OPTIONS - 1)
      continue;
    keywords[count] = option->keyword;
    values[count++] = option->val;
  }
  keywords[count] = "connect_timeout";
  values[count] = PING_SECONDS;
  PGPing ping = options ? PQpingParams(keywords, values, 0) : PQPING_OK;
  PQconninfoFree(options);
  return ping != PQPING_NO_RESPONSE;
}

// After a slice in which nothing came. False: the server is gone, the connection with it.
static bool bear_silence(PGconn *conn, Error *error) {
  State *state = state_of(conn);
  int64_t now = wait_clock();
  if (!state || state->silent == 0 || now - state->silent < SILENCE_MS) {
    if (state && state->silent == 0)
      state->silent = now;
    return true;
  }
  if (!answers_ping(conn))
    return state_lose(conn, "did not answer", wait_clock() - state->silent, error);
  state->silent = wait_clock();
  return true;
}

static void note_life(const PGconn *conn) {
  State *state = state_of(conn);
  if (state)
    state->silent = 0;
}

int wait_for(PGconn *conn, short events, int64_t deadline, int64_t patience, Error *error) {
  for (;;) {
    struct pollfd socket = {.fd = PQsocket(conn), .events = events};
    if (socket.fd < 0) {
      error_set(error, "08006", "the connection to the server is lost");
      return -1;
    }
    int64_t now = wait_clock();
    if (interrupt_signal && now >= patience) {
      error_set(error, "interrupted", "interrupted");
      return -1;
    }
    int64_t left = deadline > now ? deadline - now : 0;
    int ready = poll(&socket, 1, left < SLICE_MS ? (int)left : SLICE_MS);
    if (ready > 0) {
      note_life(conn);
      return socket.revents;
    }
    if (ready < 0 && errno != EINTR) {
      Error reason; // an answer may be under way, of a COMMIT perhaps: nobody will hear it
      error_set_errno(&reason, errno, "could not wait for the server");
      state_break(conn, reason.message, error);
      return -1;
    }
    if (left > 0 && !bear_silence(conn, error))
      return -1;
    if (left == 0)
      return 0;
  }
}

// Whether libpq has a result is asked once more after each LOOK_MS: without memory for the answer
// to a COPY it keeps what it has read and says that it waits for more, which would never come.
int wait_result(PGconn *conn, int64_t deadline, int64_t patience, PGresult **result, Error *error) {
  *result = NULL;
  for (;;) {
    short events = PQflush(conn) == 1 ? POLLIN | POLLOUT : POLLIN;
    if (!PQisBusy(conn))
      break;
    int64_t look = wait_clock() + LOOK_MS;
    int ready = wait_for(conn, events, look < deadline ? look : deadline, patience, error);
    if (ready == 0 && look < deadline)
      continue;
    if (ready <= 0 && PQsocket(conn) >= 0)
      return ready;
    if (ready <= 0 || ((ready & ~POLLOUT) && !PQconsumeInput(conn)))
      break; // lost: PQgetResult says so
  }
  *result = PQgetResult(conn);
  if (*result || PQtransactionStatus(conn) != PQTRANS_ACTIVE)
    return 1;
  state_break(conn, out_of_memory, error); // there is one, but no memory for it
  return -1;
}

// Whether a connection has something to receive, if only that it is lost.
static bool has_answer(PGconn *conn) {
  return state_is_lost(conn) || PQflush(conn) < 0 || !PQisBusy(conn);
}

// Reads what came. False: the connection is lost. Without anything for a whole slice it may be
// given up.
static bool hear(PGconn *conn, short events, bool slept) {
  Error reason;
  if (events) {
    note_life(conn);
    return PQconsumeInput(conn) == 1;
  }
  return !slept || bear_silence(conn, &reason);
}

int wait_any(PGconn *const *conns, size_t count, Error *error) {
  struct pollfd sockets[WAIT_MOST];
  for (;;) {
    for (size_t i = 0; i < count; i++) {
      sockets[i] = (struct pollfd){.fd = PQsocket(conns[i]), .events = POLLIN};
      if (has_answer(conns[i]))
        return (int)i;
    }
    if (interrupt_signal) {
      error_set(error, "interrupted", "interrupted");
      return -1;
    }
    int ready = poll(sockets, (nfds_t)count, SLICE_MS);
    if (ready < 0 && errno != EINTR) {
      error_set_errno(error, errno, "could not wait for the server");
      return -1;
    }
    for (size_t i = 0; i < count && ready >= 0; i++) {
      if (!hear(conns[i], sockets[i].revents, ready == 0))
        return (int)i;
    }
  }
}

bool wait_readable(PGconn *const *conns, size_t count, int64_t patience, size_t *at, Error *error) {
  *at = 0;
  if (count == 1)
    return wait_for(conns[0], POLLIN, WAIT_FOREVER, patience, error) > 0;
  for (;;) {
    struct pollfd sockets[WAIT_MOST];
    for (size_t i = 0; i < count; i++)
      sockets[i] = (struct pollfd){.fd = PQsocket(conns[i]), .events = POLLIN};
    int ready = poll(sockets, (nfds_t)count, SLICE_MS);
    if (ready > 0)
      return true;
    if (ready < 0 && errno != EINTR)
      return error_set_errno(error, errno, "could not wait for the server");
    if (interrupt_signal && wait_clock() >= patience)
      return error_set(error, "interrupted", "interrupted");
    for (*at = 0; *at < count && ready == 0; ++*at)
      if (!bear_silence(conns[*at], error))
        return false;
    *at = 0;
  }
}
