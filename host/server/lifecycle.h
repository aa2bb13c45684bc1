// The private server: a PostgreSQL cluster of the user's own, reached through a unix socket that
// only its owner can open, started on demand and stopped with the last pghost that uses it.
//
// Whoever uses it holds a shared lock on `use.lock`; a monitor process waits for the exclusive lock
// and stops the server when it gets it, so that kill -9 leaves nothing running. `server.lock` is
// held while the cluster is created, started or stopped on command. A file `keep` says that the
// server stays although nobody uses it. False and an Error when the outside world fails, code
// SERVER_ERROR unless it is "interrupted".
#ifndef PGHOST_SERVER_LIFECYCLE_H
#define PGHOST_SERVER_LIFECYCLE_H

#include "place.h"

typedef enum ServerState { SERVER_ABSENT, SERVER_STOPPED, SERVER_RUNNING } ServerState;
typedef enum StopResult { STOP_DONE, STOP_NOT_RUNNING, STOP_IN_USE, STOP_FAILED } StopResult;

typedef struct ServerStatus {
  ServerState state;
  bool kept;       // runs until `stop`
  bool in_use;     // by another pghost
  int version;     // major version of the cluster; 0: there is none
  long long bytes; // that the data folder takes on disk; -1: not known
} ServerStatus;

// Makes sure that the server runs, and that it does as long as this process. `keep`: and longer,
// until server_stop.
bool server_ensure(bool keep, char conninfo[SERVER_CONNINFO_SIZE], Error *error);

// Takes back `keep`; stops the server now when no other pghost uses it (or `force`), else with the
// last of them.
StopResult server_stop(bool force, Error *error);

bool server_status(const ServerPlace *place, ServerStatus *status, Error *error);

#endif
