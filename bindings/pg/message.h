// Turns the messages of the server and libpq into an Error. For the files of pg/ only.
#ifndef PGHOST_PG_MESSAGE_H
#define PGHOST_PG_MESSAGE_H

#include <libpq-fe.h>

#include "base/error.h"

// Fills `error` from a failed result (NULL: from the connection): message with its first letter in
// lower case, DETAIL and HINT on lines of their own, SQLSTATE as code.
bool conn_result_error(PGconn *conn, const PGresult *result, Error *error);

#endif
