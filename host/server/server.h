// The private server: a PostgreSQL cluster of the user's own, reached through a unix socket that
// only its owner can open, started on demand and stopped with the last pghost that uses it.
//
// Who uses it holds a shared lock on `use.lock`; a monitor process waits for the exclusive lock and
// stops the server when it gets it, so that kill -9 leaves nothing running. `server.lock` is held
// while the cluster is created, started or stopped on command. A file `keep` says that the server
// stays although nobody uses it. All functions: false and an Error when the outside world fails,
// code "08001" (cannot connect) unless it is "interrupted".
#ifndef PGHOST_HOST_SERVER_H
#define PGHOST_HOST_SERVER_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "lua/native.h"

#define SERVER_ERROR "08001"

// ---- Where it is and whose it is (server_place.c)

typedef struct ServerPlace {
  char *folder;        // absolute; holds all the rest
  char *data;          // the cluster
  char *socket_folder; // resolved; NULL until place_socket
  char *bin;           // folder of the server's programs; NULL until programs_find
  bool drop;           // we are root: the cluster belongs to postgres, who runs the programs
  uid_t uid;           // owner of the cluster
  gid_t gid;
  char *owner; // name of that user
} ServerPlace;

// Finds out folder and owner; creates nothing. The caller always calls place_free.
bool place_find(ServerPlace *place, Error *error);
void place_free(ServerPlace *place);

// Creates the folder and checks that nobody else can meddle with it.
bool place_prepare(ServerPlace *place, Error *error);

// Finds (and with `create` makes) the folder of the socket: `run` in the server's folder, or, when
// that is too long for a socket's address, a folder in /tmp that `run` links to.
bool place_socket(ServerPlace *place, bool create, Error *error);

// A path in the server's folder; the caller frees it. NULL without memory.
char *place_path(const ServerPlace *place, const char *name);

// A socket's address has at most 107 bytes, each of which may need a backslash.
#define SERVER_CONNINFO_SIZE 512

// Fills the conninfo string of the server, once place_socket has found the socket's folder.
void place_conninfo(const ServerPlace *place, char conninfo[SERVER_CONNINFO_SIZE]);

// ---- Running programs as the cluster's owner (server_process.c)

typedef struct OwnerRun {
  const char *const *argv; // argv[0]: path
  const char *input;       // text for stdin; NULL: none
  char output[8192];       // the end of what it wrote to stdout and stderr
  int inherit;             // a descriptor the program keeps open (a lock); -1: none
  int (*call)(void *);     // instead of a program: run in a child as the owner, 0 for success
  void *context;           // for call
} OwnerRun;

// Runs and waits. False when it could not be run or failed; error tells the reason it gave.
bool owner_run(const ServerPlace *place, OwnerRun *run, Error *error);

// In a child: become the owner, drop everything inherited but `keep` descriptors. False: errno.
bool child_become_owner(const ServerPlace *place);
void child_close_all_but(int first, int second);
void child_exec(const char *const *argv);

// The line of a program's output that says why it failed.
const char *program_reason(char *output);

// Sets place->bin to the programs of the cluster's version, or of the newest version.
bool programs_find(ServerPlace *place, Error *error);

// ---- The cluster (server_cluster.c)

bool cluster_exists(const ServerPlace *place);

// Creates the cluster under another name, then renames it. `lock`: descriptor that what it starts
// keeps open, so that nobody else begins before all of it has ended.
bool cluster_create(ServerPlace *place, int lock, Error *error);

// Is there a server that answers or is about to?
bool cluster_is_running(const ServerPlace *place);

// Starts the server and waits until it answers.
bool cluster_start(ServerPlace *place, Error *error);

// Stops it ("fast": open transactions are rolled back) and waits until it has ended. True when
// there is nothing to stop.
bool cluster_stop(const ServerPlace *place, Error *error);

// ---- Life (server_life.c)

typedef enum ServerState { SERVER_ABSENT, SERVER_STOPPED, SERVER_RUNNING } ServerState;
typedef enum StopResult { STOP_DONE, STOP_NOT_RUNNING, STOP_IN_USE, STOP_FAILED } StopResult;

typedef struct ServerStatus {
  ServerState state;
  bool kept;   // runs until `stop`
  bool in_use; // by another pghost
} ServerStatus;

// Makes sure that the server runs, and that it does as long as this process. `keep`: and longer,
// until server_stop.
bool server_ensure(bool keep, char conninfo[SERVER_CONNINFO_SIZE], Error *error);

// Takes back `keep`; stops the server now when no other pghost uses it (or `force`), else with the
// last of them.
StopResult server_stop(bool force, Error *error);

bool server_status(const ServerPlace *place, ServerStatus *status, Error *error);

// No words on stderr about what takes a while.
void server_set_quiet(bool quiet);
void server_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));

// ---- pghost.native.server (server.c)

EXPORTED int luaopen_pghost_native_server(lua_State *L);

#endif
