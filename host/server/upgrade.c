// Taking "$user" off the search_path of clusters that were made with it.
#include "upgrade.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

// Copies the list without the entry "$user"; `public` when nothing else is in it.
static void without_user(const char *list, char *kept, size_t size) {
  size_t used = 0;
  while (*list) {
    list += strspn(list, " ,");
    size_t length = list[0] == '"' ? strcspn(list + 1, "\"") + 2 : strcspn(list, ",");
    length = strnlen(list, length);
    bool is_user = strncmp(list, "\"$user\"", 7) == 0 || strncmp(list, "$user", 5) == 0;
    if (length > 0 && !is_user && used + length + 3 < size)
      used +=
          (size_t)snprintf(kept + used, size - used, "%s%.*s", used ? ", " : "", (int)length, list);
    list += length;
  }
  if (used == 0)
    snprintf(kept, size, "public");
}

static bool run_statement(PGconn *conn, const char *text, const char *value) {
  PGresult *result = PQexecParams(conn, text, value ? 1 : 0, NULL, &value, NULL, NULL, 0);
  ExecStatusType status = PQresultStatus(result);
  PQclear(result);
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

// The role has the name of pghost's own schema: with "$user" on the search_path a plain name would
// mean a table in there, and new tables would be made there.
static bool take_user_off_path(PGconn *conn) {
  char kept[2048];
  PGresult *result = PQexec(conn, "SHOW search_path");
  bool ok = PQresultStatus(result) == PGRES_TUPLES_OK;
  const char *path = ok ? PQgetvalue(result, 0, 0) : "";
  bool has_user = strstr(path, "$user") != NULL && strlen(path) < sizeof kept;
  if (has_user)
    without_user(path, kept, sizeof kept);
  PQclear(result);
  if (!has_user)
    return ok;
  return run_statement(conn, "SELECT pg_catalog.set_config('search_path', $1, false)", kept) &&
         run_statement(conn, "ALTER ROLE pghost SET search_path FROM CURRENT", NULL) &&
         run_statement(conn, "ALTER ROLE pghost IN DATABASE pghost RESET search_path", NULL);
}

bool upgrade_cluster(const ServerPlace *place, Error *error) {
  char conninfo[SERVER_CONNINFO_SIZE];
  place_conninfo(place, conninfo);
  PGconn *conn = PQconnectdb(conninfo);
  bool ok = PQstatus(conn) == CONNECTION_OK && take_user_off_path(conn);
  if (!ok) {
    char reason[1024];
    snprintf(reason, sizeof reason, "%s", PQerrorMessage(conn));
    error_set(error, SERVER_ERROR, "could not bring the private server in '%s' up to date: %s",
              place->folder, program_reason(reason));
  }
  PQfinish(conn);
  return ok;
}
