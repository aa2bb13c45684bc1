// The cluster of the private server: creating it, starting and stopping its server.
//
// False and an Error when the outside world fails, code SERVER_ERROR unless it is "interrupted".
#ifndef PGHOST_SERVER_CLUSTER_H
#define PGHOST_SERVER_CLUSTER_H

#include "place.h"

bool cluster_exists(const ServerPlace *place);

// Creates the cluster under another name, then renames it. `lock`: descriptor that what it starts
// keeps open, so that nobody else begins before all of it has ended.
bool cluster_create(ServerPlace *place, int lock, Error *error);

// Is there a server that answers or is about to?
bool cluster_is_running(const ServerPlace *place);

// Starts the server and waits until it answers; then brings up to date what an older pghost made.
bool cluster_start(ServerPlace *place, Error *error);

// Stops it ("fast": open transactions are rolled back) and waits until it has ended. True when
// there is nothing to stop.
bool cluster_stop(const ServerPlace *place, Error *error);

#endif
