// Statements over a connection: run, wait so that a signal can stop it, cancel, drain.
// Connecting is in connect.c, COPY streams in copy.c, messages in message.c, waiting in state.c.
#include "pg/conn.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "pg/message.h"
#include "pg/state.h"

enum {
  POLITE_MS = 50,   // what is drained within this is not worth a cancel
  CANCEL_MS = 1000, // what has not stopped after this is cancelled once more
  LEAVE_MS = 3000,  // as DRAIN_MS, of a connection that ends anyway
  DRAIN_MS = 30000, // a server that has not stopped after this is lost
};

bool conn_is_lost(const PGconn *conn) {
  return state_is_lost(conn);
}

bool conn_send(PGconn *conn, const char *sql, Error *error) {
  return PQsendQuery(conn, sql) == 1 || conn_result_error(conn, NULL, error);
}

// Discards what COPY TO STDOUT sends, until its end (true), the deadline, or the end of memory.
static bool skip_copy_out(PGconn *conn, int64_t deadline) {
  for (;;) {
    char *bytes = NULL;
    int len = PQgetCopyData(conn, &bytes, 1);
    if (bytes)
      PQfreemem(bytes);
    if (len == -1)
      return true;
    if (len < 0) // no memory for a piece: libpq would stay there for ever
      return state_break(conn, out_of_memory, NULL);
    if (wait_clock() >= deadline)
      return false;
    if (len == 0 &&
        (wait_for(conn, POLLIN, deadline, WAIT_FOREVER, NULL) <= 0 || !PQconsumeInput(conn)))
      return false;
  }
}

// One step of a drain: false when the deadline came first.
static bool drain_step(PGconn *conn, int64_t deadline) {
  PGresult *result;
  if (wait_clock() >= deadline || wait_result(conn, deadline, WAIT_FOREVER, &result, NULL) <= 0)
    return false;
  ExecStatusType status = PQresultStatus(result);
  PQclear(result);
  if (status == PGRES_COPY_IN || status == PGRES_COPY_BOTH)
    return PQputCopyEnd(conn, "abandoned") >= 0;
  return status != PGRES_COPY_OUT || skip_copy_out(conn, deadline);
}

// A cancel that comes before its statement has no effect, so it is repeated.
static void drain_within(PGconn *conn, int64_t polite, int64_t patience) {
  int64_t now = wait_clock(), deadline = now + polite, end = now + patience;
  while (!conn_is_lost(conn) && PQtransactionStatus(conn) == PQTRANS_ACTIVE) {
    if (drain_step(conn, deadline))
      continue;
    if (wait_clock() >= end) {
      state_lose(conn, "did not answer", (int)patience, NULL);
      return;
    }
    conn_cancel(conn);
    now = wait_clock();
    deadline = now + CANCEL_MS < end ? now + CANCEL_MS : end;
  }
}

void conn_drain(PGconn *conn) {
  drain_within(conn, POLITE_MS, DRAIN_MS);
}

void conn_leave(PGconn *conn) {
  drain_within(conn, 0, LEAVE_MS);
}

static bool is_copy(ExecStatusType status) {
  return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

static bool is_good(ExecStatusType status) {
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

// Cancels, brings the connection to idle; `error` is filled already.
static PGresult *stop(PGconn *conn, PGresult *last) {
  PQclear(last);
  conn_cancel(conn);
  conn_drain(conn);
  return NULL;
}

static PGresult *refuse_copy(PGconn *conn, PGresult *last, Error *error) {
  PQclear(last);
  conn_drain(conn);
  error_set(error, "0A000",
            "COPY FROM STDIN and TO STDOUT cannot be run as a statement: use a load");
  return NULL;
}

// All results of what was sent. The last one, or NULL with the first failure.
static PGresult *collect(PGconn *conn, int64_t patience, Error *error) {
  PGresult *last = NULL;
  bool failed = false;
  for (;;) {
    PGresult *result;
    if (wait_result(conn, WAIT_FOREVER, patience, &result, error) < 0)
      return stop(conn, last);
    if (!result)
      break;
    ExecStatusType status = PQresultStatus(result);
    if (is_copy(status)) {
      PQclear(result);
      return refuse_copy(conn, last, error);
    }
    if (!is_good(status) && !failed)
      failed = !conn_result_error(conn, result, error);
    PQclear(last);
    last = result;
  }
  if (last && !failed)
    return last;
  PQclear(last);
  if (!failed)
    conn_result_error(conn, NULL, error);
  return NULL;
}

PGresult *conn_query(PGconn *conn, const char *sql, int count, const char *const *params,
                     Error *error) {
  int64_t patience = wait_patience();
  if (!PQsendQueryParams(conn, sql, count, NULL, params, NULL, NULL, 0)) {
    conn_result_error(conn, NULL, error);
    return NULL;
  }
  return collect(conn, patience, error);
}

bool conn_query_send(PGconn *conn, const char *sql, int count, const char *const *params,
                     Error *error) {
  if (!PQsendQueryParams(conn, sql, count, NULL, params, NULL, NULL, 0))
    return conn_result_error(conn, NULL, error);
  state_of(conn)->patience = wait_patience();
  return true;
}

PGresult *conn_query_receive(PGconn *conn, Error *error) {
  return collect(conn, state_of(conn)->patience, error);
}

int conn_wait_any(PGconn *const *conns, size_t count, Error *error) {
  return wait_any(conns, count, error);
}

bool conn_exec(PGconn *conn, const char *sql, Error *error) {
  int64_t patience = wait_patience();
  if (!conn_send(conn, sql, error))
    return false;
  PGresult *result = collect(conn, patience, error);
  PQclear(result);
  return result != NULL;
}

// The answer to a command that was sent: false when it failed or its tag is another. When out of
// memory for the answer, the session's transaction state is unknown: the connection is given up as
// lost.
static bool expect_tag(PGconn *conn, const char *tag, Error *error) {
  Error reason;
  PGresult *result = collect(conn, WAIT_FOREVER, &reason);
  if (!result && error)
    *error = reason;
  if (!result && strcmp(reason.code, "protocol") == 0)
    state_break(conn, out_of_memory, error);
  if (!result)
    return false;
  bool same = strcmp(PQcmdStatus(result), tag) == 0;
  if (!same)
    error_set(error, "40000", "the server answered %s with %s", tag, PQcmdStatus(result));
  PQclear(result);
  return same;
}

bool conn_control(PGconn *conn, const char *sql, const char *tag, Error *error) {
  return conn_send(conn, sql, error) && expect_tag(conn, tag, error);
}

bool conn_commit_all(PGconn *const *conns, size_t count, Error *error) {
  bool good = true;
  size_t sent = 0;
  for (; good && sent < count; sent += good)
    good = conn_send(conns[sent], "commit", error);
  for (size_t i = 0; i < sent; i++)
    good = expect_tag(conns[i], "COMMIT", good ? error : NULL) && good;
  return good;
}

bool conn_stream_begin(PGconn *conn, const char *sql, int count, const char *const *params,
                       Error *error) {
  if (!PQsendQueryParams(conn, sql, count, NULL, params, NULL, NULL, 0))
    return conn_result_error(conn, NULL, error);
  PQsetSingleRowMode(conn);
  state_of(conn)->patience = wait_patience();
  return true;
}

PGresult *conn_stream_next(PGconn *conn, Error *error) {
  PGresult *result;
  if (wait_result(conn, WAIT_FOREVER, state_of(conn)->patience, &result, error) < 0)
    return stop(conn, NULL);
  if (!result) {
    conn_result_error(conn, NULL, error);
    return NULL;
  }
  ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_SINGLE_TUPLE)
    return result;
  if (is_copy(status))
    return refuse_copy(conn, result, error);
  if (!is_good(status)) {
    conn_result_error(conn, result, error);
    PQclear(result);
    result = NULL;
  }
  conn_drain(conn);
  return result;
}

bool conn_skip(PGconn *conn, Error *error) {
  PGresult *result = NULL;
  while (PQtransactionStatus(conn) == PQTRANS_ACTIVE) {
    if (wait_result(conn, WAIT_FOREVER, 0, &result, error) < 0) {
      stop(conn, NULL);
      return false;
    }
    PQclear(result);
  }
  return true;
}
