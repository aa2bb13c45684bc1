// What a connection string may look like, decided before libpq sees it.
#ifndef PGHOST_PG_CONNINFO_H
#define PGHOST_PG_CONNINFO_H

#include "base/error.h"

// False when libpq could not read `conninfo`, or could only misread it so that a piece of a
// password would turn up in a message (as host, port or database). The message shows no part of it.
bool conninfo_check(const char *conninfo, Error *error);

#endif
