// Where the private server is and whose it is: its folder, its data, its socket.
#ifndef PGHOST_SERVER_PLACE_H
#define PGHOST_SERVER_PLACE_H

#include <stdbool.h>

#include "base/error.h"
#include "child.h"

typedef struct ServerPlace {
  char *folder;        // absolute; holds all the rest
  char *data;          // the cluster
  char *socket_folder; // resolved; NULL until place_socket
  char *bin;           // folder of the server's programs; NULL until programs_find
  Owner owner;         // of the cluster
} ServerPlace;

// Finds out folder and owner; creates nothing. The caller always calls place_free.
bool place_find(ServerPlace *place, Error *error);
void place_free(ServerPlace *place);

// Creates the folder and checks that nobody else can meddle with it.
bool place_prepare(ServerPlace *place, Error *error);

// Whether the owner of the cluster can enter the folder. Takes a process.
bool place_check_reach(ServerPlace *place, Error *error);

// Finds (and with `create` makes) the folder of the socket: `run` in the server's folder or, where
// no client could reach a socket in there, a folder in /tmp that `run` links to.
bool place_socket(ServerPlace *place, bool create, Error *error);

// A path in the server's folder; the caller frees it. NULL without memory.
char *place_path(const ServerPlace *place, const char *name);

// A socket's address has at most 107 bytes, each of which may need a backslash.
#define SERVER_CONNINFO_SIZE 512

// Fills the conninfo string of the server, once place_socket has found the socket's folder.
void place_conninfo(const ServerPlace *place, char conninfo[SERVER_CONNINFO_SIZE]);

#endif
