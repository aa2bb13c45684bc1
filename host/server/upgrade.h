// What is different in a cluster that an older pghost has made.
#ifndef PGHOST_SERVER_UPGRADE_H
#define PGHOST_SERVER_UPGRADE_H

#include "place.h"

// Brings a running cluster up to date; changes nothing in one that is. False and an Error of code
// SERVER_ERROR when that fails.
bool upgrade_cluster(const ServerPlace *place, Error *error);

#endif
