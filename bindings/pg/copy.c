// COPY streams: sending with back-pressure, noticing early that the server has failed, and leaving
// COPY state in every case. The content of the stream is the callers' business.
#include "pg/copy.h"

#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "pg/message.h"
#include "pg/state.h"

enum {
  PIECE = 65536, // more at a time lets the server starve while the client parses
  STOP_CHECK_MS = 200,
  HEAR_MS = 10000,
  // A server that has to wake its reader for every 8 KiB takes a fifth more time; what it sends
  // meanwhile fits into a socket.
  NAP_NS = 100000,
  SUSPICION_MS = 100, // what the server says is not a notice if it has not become one by then
};

int copy_stall_ms = 25000;

// Waits for the answer to a COPY statement: `expected` is the state it must lead to.
static bool begin(PGconn *conn, const char *sql, ExecStatusType expected, Error *error) {
  State *state = state_of(conn);
  state->patience = wait_patience();
  state->suspect = 0;
  if (!conn_send(conn, sql, error))
    return false;
  PGresult *result;
  bool answered = wait_result(conn, WAIT_FOREVER, state->patience, &result, error) > 0;
  ExecStatusType status = PQresultStatus(result);
  bool good = answered && status == expected;
  if (answered && !good) {
    if (status == PGRES_FATAL_ERROR)
      conn_result_error(conn, result, error);
    else
      error_set(error, "0A000", "not a COPY statement of the kind that is expected here");
  }
  PQclear(result);
  if (!answered)
    conn_cancel(conn);
  if (!good)
    conn_drain(conn);
  return good;
}

bool copy_begin(PGconn *conn, const char *sql, Error *error) {
  return begin(conn, sql, PGRES_COPY_IN, error);
}

bool copy_out_begin(PGconn *conn, const char *sql, Error *error) {
  return begin(conn, sql, PGRES_COPY_OUT, error);
}

// Aborts the stream and reads the server's answer: its own reason, if it had failed the COPY
// before. Of several failures the first is the cause.
static bool hear_reason(PGconn *conn, Error *error) {
  static const char nothing[] = "the server aborted the COPY without a reason";
  int64_t deadline = wait_clock() + HEAR_MS;
  bool heard = false;
  PQputCopyEnd(conn, nothing);
  for (;;) {
    PGresult *result;
    if (wait_result(conn, deadline, WAIT_FOREVER, &result, NULL) <= 0 || !result)
      break;
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_FATAL_ERROR && !heard)
      heard = !conn_result_error(conn, result, error);
    PQclear(result);
    if (status == PGRES_COPY_IN)
      break;
  }
  conn_drain(conn);
  return heard ? false : error_set(error, "08006", nothing);
}

// Reads what has arrived. True when that is not a notice, so that the server must have failed:
// libpq does not look at errors during COPY FROM STDIN. A notice that has come in part gets some
// time.
static bool has_failed(PGconn *conn, bool readable) {
  State *state = state_of(conn);
  uint64_t before = state->seen;
  if (readable && !PQconsumeInput(conn))
    return true;
  if (readable && !PQisBusy(conn) && state->seen == before && !state->suspect)
    state->suspect = wait_clock();
  if (state->seen != before)
    state->suspect = 0;
  return state->suspect && wait_clock() - state->suspect >= SUSPICION_MS;
}

static bool stop_copy(PGconn *conn, const char *reason) {
  copy_abort(conn, reason);
  return false;
}

static bool stopped(PGconn *conn, const atomic_int *stop, Error *error) {
  if (!stop || !*stop)
    return false;
  error_set(error, "stopped", "the load was stopped");
  stop_copy(conn, "stopped");
  return true;
}

// Sends what libpq holds, waiting for the server as long as it takes something now and then.
static bool flush(PGconn *conn, const atomic_int *stop, Error *error) {
  State *state = state_of(conn);
  int64_t stalled = wait_clock() + copy_stall_ms;
  for (;;) {
    int left = PQflush(conn);
    if (stopped(conn, stop, error))
      return false;
    if (left < 0 || has_failed(conn, false))
      return hear_reason(conn, error);
    if (left == 0)
      return true;
    int64_t now = wait_clock();
    int64_t slice = stalled < now + STOP_CHECK_MS ? stalled : now + STOP_CHECK_MS;
    int ready = wait_for(conn, POLLIN | POLLOUT, slice, state->patience, error);
    if (ready < 0)
      return stop_copy(conn, "interrupted");
    if (ready == 0 && wait_clock() >= stalled)
      return state_lose(conn, "has taken nothing", copy_stall_ms, error);
    if (ready & POLLOUT)
      stalled = wait_clock() + copy_stall_ms;
    if ((ready & ~POLLOUT) && has_failed(conn, true))
      return hear_reason(conn, error);
  }
}

bool copy_look(PGconn *conn, const atomic_int *stop, Error *error) {
  if (!flush(conn, stop, error))
    return false;
  int ready = wait_for(conn, POLLIN, 0, state_of(conn)->patience, error);
  if (ready < 0)
    return stop_copy(conn, "interrupted");
  return !(ready > 0 && has_failed(conn, true)) || hear_reason(conn, error);
}

bool copy_send(PGconn *conn, const char *bytes, size_t len, const atomic_int *stop, Error *error) {
  while (len > 0) {
    int piece = len < PIECE ? (int)len : PIECE;
    if (!copy_look(conn, stop, error))
      return false;
    if (PQputCopyData(conn, bytes, piece) != 1 || PQflush(conn) < 0)
      return hear_reason(conn, error);
    bytes += piece;
    len -= (size_t)piece;
  }
  return true;
}

// Waits for the outcome, which may take long: deferred triggers, a slow disk. `error` is kept if
// there is no answer.
static bool outcome(PGconn *conn, const atomic_int *stop, uint64_t *rows, Error *error) {
  State *state = state_of(conn);
  bool good = false;
  bool failed = false;
  for (;;) {
    PGresult *result;
    int got = wait_result(conn, wait_clock() + STOP_CHECK_MS, state->patience, &result, error);
    if (got < 0)
      return stop_copy(conn, "interrupted");
    if (got == 0 && stopped(conn, stop, error))
      return false;
    if (got == 0)
      continue;
    if (!result)
      return good && !failed;
    good = PQresultStatus(result) == PGRES_COMMAND_OK;
    if (good)
      *rows = strtoull(PQcmdTuples(result), NULL, 10);
    else if (!failed)
      failed = !conn_result_error(conn, result, error);
    PQclear(result);
  }
}

bool copy_end(PGconn *conn, const atomic_int *stop, uint64_t *rows, Error *error) {
  *rows = 0;
  if (!copy_look(conn, stop, error))
    return false;
  if (PQputCopyEnd(conn, NULL) != 1)
    return hear_reason(conn, error);
  error_set(error, "08006", "the connection to the server is lost");
  return outcome(conn, stop, rows, error);
}

void copy_abort(PGconn *conn, const char *reason) {
  if (PQtransactionStatus(conn) != PQTRANS_ACTIVE)
    return;
  PQputCopyEnd(conn, reason); // fails when the stream has ended: then the drain cancels
  conn_drain(conn);
}

// A COPY TO STDOUT that will not be read to its end.
static ptrdiff_t abandon_copy_out(PGconn *conn) {
  conn_cancel(conn);
  conn_drain(conn);
  return -1;
}

// The end of a COPY TO STDOUT: did it end well?
static ptrdiff_t copy_out_end(PGconn *conn, Error *error) {
  ptrdiff_t good = 0;
  for (;;) {
    PGresult *result;
    if (wait_result(conn, WAIT_FOREVER, WAIT_FOREVER, &result, error) <= 0)
      return abandon_copy_out(conn);
    if (!result)
      return good;
    if (PQresultStatus(result) != PGRES_COMMAND_OK && good == 0) {
      conn_result_error(conn, result, error);
      good = -1;
    }
    PQclear(result);
  }
}

ptrdiff_t copy_out_try(PGconn *conn, char **bytes, Error *error) {
  *bytes = NULL;
  int len = PQgetCopyData(conn, bytes, 1);
  if (len > 0)
    return len;
  if (len == -1)
    return copy_out_end(conn, error);
  if (len == 0)
    return COPY_OUT_NOTHING;
  conn_result_error(conn, NULL, error); // no memory for a piece: libpq stays where it is
  return abandon_copy_out(conn);
}

// Takes what has arrived on the connections. -1: failed.
static int take_arrived(PGconn *const *conns, size_t count, size_t *at, bool *arrived,
                        Error *error) {
  *arrived = false;
  for (*at = 0; *at < count; ++*at) {
    PGconn *conn = conns[*at];
    int ready = wait_for(conn, POLLIN, 0, state_of(conn)->patience, error);
    if (ready < 0)
      return (int)abandon_copy_out(conn);
    if (ready > 0 && !PQconsumeInput(conn)) {
      conn_result_error(conn, NULL, error);
      return -1;
    }
    *arrived = *arrived || ready > 0;
  }
  return 0;
}

int copy_out_wait(PGconn *const *conns, size_t count, size_t *at, Error *error) {
  bool arrived;
  if (take_arrived(conns, count, at, &arrived, error) < 0)
    return -1;
  if (arrived)
    return 0;
  nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
  if (!wait_readable(conns, count, state_of(conns[0])->patience, at, error))
    return (int)abandon_copy_out(conns[*at]);
  return take_arrived(conns, count, at, &arrived, error);
}

ptrdiff_t copy_out_next(PGconn *conn, char **bytes, Error *error) {
  size_t at;
  for (;;) {
    ptrdiff_t got = copy_out_try(conn, bytes, error);
    if (got != COPY_OUT_NOTHING)
      return got;
    if (copy_out_wait(&conn, 1, &at, error) < 0)
      return -1;
  }
}

void copy_put_header(Buffer *out) {
  buffer_put(out, "PGCOPY\n\377\r\n\0", 11); // manual, COPY, "Binary Format"
  buffer_put_u32(out, 0);                    // flags
  buffer_put_u32(out, 0);                    // length of the header's extension
}

void copy_put_trailer(Buffer *out) {
  buffer_put_u16(out, UINT16_MAX);
}
