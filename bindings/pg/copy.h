// COPY streams over a connection. Whatever happens, the connection has left COPY state once one of
// the finishing functions (copy_end, copy_abort, a failed copy_send) has returned.
#ifndef PGHOST_PG_COPY_H
#define PGHOST_PG_COPY_H

#include <stdatomic.h>

#include "pg/conn.h"

// A COPY ... FROM STDIN statement; false with the server's error when it is refused.
bool copy_begin(PGconn *conn, const char *sql, Error *error);

// Sends bytes, waiting while the server is busy (back-pressure), at most 64 KiB a message. Gives up
// when *stop becomes non-zero (may be NULL) or the server has failed the COPY: then drains and
// fills `error` with the server's reason. Safe on any thread as long as one thread uses the
// connection at a time. A server that takes nothing for `copy_stall_ms` is lost: code "08006".
bool copy_send(PGconn *conn, const char *bytes, size_t len, const atomic_int *stop, Error *error);

// Flushes what libpq still holds and checks whether the server has failed the COPY: copy_send does
// this before each message, the caller while it has nothing to send. Otherwise like copy_send.
bool copy_look(PGconn *conn, const atomic_int *stop, Error *error);

// Completes the stream and waits for the result; *rows is the server's count.
bool copy_end(PGconn *conn, const atomic_int *stop, uint64_t *rows, Error *error);

// Aborts the stream: the server discards what it got, and the transaction is failed.
void copy_abort(PGconn *conn, const char *reason);

// A COPY ... TO STDOUT statement.
bool copy_out_begin(PGconn *conn, const char *sql, Error *error);

// The next piece into *bytes (to be freed with PQfreemem), its length; 0 at the end; -1 failed.
ptrdiff_t copy_out_next(PGconn *conn, char **bytes, Error *error);

// The same without waiting; COPY_OUT_NOTHING if there is no piece yet.
enum { COPY_OUT_NOTHING = -2 };
ptrdiff_t copy_out_try(PGconn *conn, char **bytes, Error *error);

// Waits until there may be a piece for one of several connections. -1: failed, also for the
// connection at *at, which has left COPY state; else 0.
int copy_out_wait(PGconn *const *conns, size_t count, size_t *at, Error *error);

extern int copy_stall_ms; // default 25,000

// The 19 bytes that open a binary COPY stream, and the 2 that close it.
void copy_put_header(Buffer *out);
void copy_put_trailer(Buffer *out);

#endif
