// Where PostgreSQL's server programs are.
#ifndef PGHOST_SERVER_PROGRAMS_H
#define PGHOST_SERVER_PROGRAMS_H

#include "place.h"

// Sets place->bin to the programs of the cluster's version, or of the newest version when there is
// no cluster yet.
bool programs_find(ServerPlace *place, Error *error);

// Major version that made the cluster; 0 when there is none.
int programs_cluster_version(const ServerPlace *place);

#endif
