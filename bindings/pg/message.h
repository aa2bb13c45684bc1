// The server's and libpq's words for what went wrong, as an Error. For the files of pg/ only.
#ifndef PGHOST_PG_MESSAGE_H
#define PGHOST_PG_MESSAGE_H

#include <libpq-fe.h>

#include "base/error.h"

// Fills `error` from a failed result (NULL: from the connection): message in lower case first
// letter, DETAIL and HINT on lines of their own, SQLSTATE as code.
bool conn_result_error(PGconn *conn, const PGresult *result, Error *error);

#endif
