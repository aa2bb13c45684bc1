// Checks a connection string before libpq sees it.
#ifndef PGHOST_PG_CONNINFO_H
#define PGHOST_PG_CONNINFO_H

#include "base/error.h"

// False when libpq could not parse `conninfo`, or would misread it so that part of a password would
// show in a message (as host, port or database). The message shows no part of it.
bool conninfo_check(const char *conninfo, Error *error);

#endif
