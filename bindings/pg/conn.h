// A PostgreSQL connection for the pure C layer: connect, execute and wait so that a signal can stop
// it.
//
// Thin over libpq: a PGconn stays a PGconn. All waits poll the socket and check interrupt_signal;
// when it is set they cancel what the server is doing, drain, and fail with code "interrupted".
// What starts after the signal is clean-up and gets 10 seconds. No Lua here, and nothing that can
// longjmp; notices queue in a Notices box.
#ifndef PGHOST_PG_CONN_H
#define PGHOST_PG_CONN_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "pg/notices.h"

// Connects by a conninfo string or URL ("" leaves all to libpq's own environment). Sets
// client_encoding UTF8, application_name pghost, keepalives and a connect timeout unless the
// string has its own. NULL: failed; the message never holds a password.
PGconn *conn_connect(const char *conninfo, Notices *notices, Error *error);

// One statement with bound text parameters (NULL: SQL NULL; types inferred by the server), result
// in text format. NULL: failed, code is the SQLSTATE ("08006" when the connection is lost). The
// caller clears the result.
PGresult *conn_query(PGconn *conn, const char *sql, int count, const char *const *params,
                     Error *error);

// The two halves of conn_query: between them other connections can be used, and conn_wait_any waits
// for several.
bool conn_query_send(PGconn *conn, const char *sql, int count, const char *const *params,
                     Error *error);
PGresult *conn_query_receive(PGconn *conn, Error *error);

// Waits until one of the connections, each of which has a statement under way, has a result or is
// lost (conn_query_receive says so): its index. -1 after a signal, which leaves the statements
// under way.
int conn_wait_any(PGconn *const *conns, size_t count, Error *error);

// A script of several statements (simple protocol). False at the first that fails.
bool conn_exec(PGconn *conn, const char *sql, Error *error);

// A command of the transaction (BEGIN, COMMIT, SAVEPOINT ...) that no signal stops, because its
// outcome must be known. False when it fails or the server's command tag is not `tag`: COMMIT of a
// failed transaction comes back as ROLLBACK.
bool conn_control(PGconn *conn, const char *sql, const char *tag, Error *error);

// Commits the transactions of several connections concurrently, so that the server flushes them at
// the same time. False with the first failure; the others may or may not be committed: this is not
// a two-phase commit.
bool conn_commit_all(PGconn *const *conns, size_t count, Error *error);

// As conn_query, but rows come one by one from conn_stream_next, in constant memory.
bool conn_stream_begin(PGconn *conn, const char *sql, int count, const char *const *params,
                       Error *error);

// The next row (status PGRES_SINGLE_TUPLE) or the end (any other status: no rows in it, and the
// connection is idle). NULL: failed, and the connection is idle. The caller clears the result.
PGresult *conn_stream_next(PGconn *conn, Error *error);

// Reads the rest of a stream, without a cancel, which would fail the transaction. False when
// interrupted: the stream is then cancelled and drained.
bool conn_skip(PGconn *conn, Error *error);

// Asks the server to cancel what this connection is doing; takes at most 5 s.
void conn_cancel(PGconn *conn);

// Whether the server, or the data read from it, has been lost: everything fails from then on.
bool conn_is_lost(const PGconn *conn);

// Brings the connection out of whatever it is in the middle of (results, COPY either way) to idle.
// Serves finish, abort, __close and __gc alike. Does not touch an open transaction.
void conn_drain(PGconn *conn);

// As conn_drain, before PQfinish: cancels at once, and waits some seconds at most. Ended without
// it, a connection whose statement had not begun when it was cancelled leaves that to the server.
void conn_leave(PGconn *conn);

// For the files of pg/: sends one statement; false when the connection cannot take it.
bool conn_send(PGconn *conn, const char *sql, Error *error);

#endif
