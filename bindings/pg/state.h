// What pg/ knows of a connection beyond libpq, and the one way it waits. For the files of pg/ only.
#ifndef PGHOST_PG_STATE_H
#define PGHOST_PG_STATE_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "pg/notices.h"

// Attached to the PGconn (instance data of an event procedure), so that it lives as long.
typedef struct State {
  Notices *notices; // NULL: not collected
  uint64_t seen;    // notices received, taken or not
  int64_t patience; // of the current stream or COPY: see wait_patience
  int64_t silent;   // since when the server neither sends nor accepts anything; 0: it does
  int64_t suspect;  // since when the server may have failed the COPY (copy.c); 0: not suspected
  char lost[128];   // why we gave up the connection, see state_lose; "": we did not
} State;

// The state of a connection made by conn_connect.
State *state_of(const PGconn *conn);

// Gives the connection its state and its notice receiver. False: no memory.
bool state_attach(PGconn *conn, Notices *notices);

// Milliseconds of a clock that never goes back; never 0.
int64_t wait_clock(void);

// A deadline that never comes.
#define WAIT_FOREVER INT64_MAX

// How long an operation that starts now may continue after a signal: 0 (a signal ends it) or, if
// the signal came before, some seconds from now, because what starts after a signal is clean-up.
int64_t wait_patience(void);

// Waits for `events` (POLLIN, POLLOUT) on the socket until `deadline` (of wait_clock). Returns the
// events that occurred, 0 at the deadline, -1 with `error` filled when a signal came and `patience`
// is over, when there is no socket left, or when the server has been silent for some seconds and
// does not answer a ping either: then the connection is lost.
int wait_for(PGconn *conn, short events, int64_t deadline, int64_t patience, Error *error);

// Sends what is left to send and waits for the next result: *result, NULL after the last one.
// 1 there, 0 deadline, -1 interrupted or lost.
int wait_result(PGconn *conn, int64_t deadline, int64_t patience, PGresult **result, Error *error);

// Waits until one of several connections has a result or is lost: its index; -1 after a signal.
int wait_any(PGconn *const *conns, size_t count, Error *error);

// Waits until one of several connections has received something. False like -1 of wait_for, of the
// connection at *at.
bool wait_readable(PGconn *const *conns, size_t count, int64_t patience, size_t *at, Error *error);

// Whether the connection is lost or was given up.
bool state_is_lost(const PGconn *conn);

// A reason for state_break.
extern const char out_of_memory[];

// Gives up the connection without freeing it: everything fails with `reason`, code 08006, from then
// on. Fills in `error`, which may be NULL; returns false.
bool state_break(PGconn *conn, const char *reason, Error *error);

// The same, because the server `what` ("did not answer") for
// `since_ms` milliseconds.
bool state_lose(PGconn *conn, const char *what, int64_t since_ms, Error *error);

#endif
