// Connecting: defaults, the timeout, and one line that says why it failed.
#include <ctype.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg/conn.h"
#include "pg/conninfo.h"
#include "pg/state.h"

enum { CONNECT_SECONDS = 10 };

// In this order: what comes before dbname is a default that the string can change, what stands
// after it is not (the readers and encoders speak UTF-8).
static const char *const keywords[] = {
    "fallback_application_name", "keepalives_idle", "keepalives_interval", "keepalives_count",
    "tcp_user_timeout",          "dbname",          "client_encoding",     NULL};
enum { DBNAME = 5 };

static PGconn *start(const char *conninfo) {
  const char *values[] = {"pghost", "30", "10", "3", "30000", NULL, "UTF8", NULL};
  values[DBNAME] = conninfo;
  return PQconnectStartParams(keywords, values, 1);
}

// Milliseconds for all hosts together, 0: no limit. `connect_timeout` is libpq's, per host.
static int64_t timeout_of(PGconn *conn) {
  int64_t seconds = CONNECT_SECONDS;
  int64_t hosts = 1;
  PQconninfoOption *options = PQconninfo(conn);
  for (PQconninfoOption *option = options; option && option->keyword; option++) {
    if (!option->val)
      continue;
    if (strcmp(option->keyword, "connect_timeout") == 0)
      seconds = atoi(option->val);
    if (strcmp(option->keyword, "host") == 0)
      for (const char *c = option->val; *c; c++)
        hosts += *c == ',';
  }
  PQconninfoFree(options);
  return seconds > 0 ? seconds * hosts * 1000 : 0;
}

// Where libpq is just trying to get, as in "server at 'db', port 5432".
static void put_place(const PGconn *conn, char *out, size_t size) {
  const char *host = PQhost(conn);
  const char *port = PQport(conn);
  snprintf(out, size, "server at '%s', port %s", host && *host ? host : "localhost",
           port && *port ? port : "5432");
}

// Drives the connection attempt. 1 connected, 0 libpq has given up (its message says why), -1
// failed with `error` filled.
static int drive(PGconn *conn, Error *error) {
  int64_t timeout = timeout_of(conn);
  int64_t deadline = timeout ? wait_clock() + timeout : WAIT_FOREVER;
  int64_t patience = wait_patience();
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;
  while (status != PGRES_POLLING_OK) {
    if (status == PGRES_POLLING_FAILED || PQsocket(conn) < 0)
      return 0;
    short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    int ready = wait_for(conn, events, deadline, patience, error);
    if (ready < 0)
      return -1;
    if (ready == 0) {
      char place[512];
      put_place(conn, place, sizeof place);
      error_set(error, "08001", "could not connect to %s: no answer within %lld s", place,
                (long long)(timeout / 1000));
      return -1;
    }
    status = PQconnectPoll(conn);
  }
  return 1;
}

// libpq keeps no SQLSTATE of a refused connection: known texts of the server (its English ones).
static const char *code_of(const char *text) {
  static const struct {
    const char *text, *code;
  } known[] = {
      {"password authentication failed", "28P01"},
      {"no password supplied", "28P01"},
      {"authentication failed", "28000"},
      {"no pg_hba.conf entry", "28000"},
      {"pg_hba.conf rejects", "28000"},
      {"\" does not exist", "3D000"}, // after role below
      {"too many c", "53300"},        // clients, connections for role or database
      {"remaining connection slots", "53300"},
      {"the database system is", "57P03"},
      {"permission denied for database", "42501"},
  };
  if (strstr(text, "FATAL:  role \""))
    return "28000";
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (strstr(text, known[i].text))
      return known[i].code;
  return "08001";
}

// 'FATAL:  database "x" does not exist' -> 'database "x" does not exist', and no capital.
static const char *skip_severity(const char *line) {
  size_t word = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
  if (word > 1 && line[word] == ':')
    line += word + 1 + strspn(line + word + 1, " ");
  return line;
}

static void put(Buffer *out, const char *text) {
  buffer_put(out, text, strlen(text));
}

static void put_reason(Buffer *out, const char *line, size_t len) {
  const char *reason = skip_severity(line);
  len -= (size_t)(reason - line);
  if (len > 1 && isupper((unsigned char)reason[0]) && islower((unsigned char)reason[1])) {
    buffer_put_u8(out, (uint8_t)tolower((unsigned char)reason[0]));
    reason++;
    len--;
  }
  buffer_put(out, reason, len);
}

// One line of libpq's: 'connection to server at "db" (1.2.3.4), port 5432 failed: reason', or a
// hint that belongs to the line before.
static void put_line(Buffer *out, const char *line, size_t len) {
  static const char opening[] = "connection to ";
  static const char failed[] = " failed: ";
  bool first = out->len == 0;
  const char *at = strstr(line, failed);
  bool placed = strncmp(line, opening, strlen(opening)) == 0 && at && at < line + len;
  put(out, first ? "could not connect" : "; ");
  if (placed) {
    const char *place = line + strlen(opening);
    put(out, first ? " to " : "");
    buffer_put(out, place, (size_t)(at - place));
    len -= (size_t)(at - line) + strlen(failed);
    line = at + strlen(failed);
  }
  put(out, first || placed ? ": " : "");
  put_reason(out, line, len);
}

static void failure(const PGconn *conn, Error *error) {
  const char *text = PQerrorMessage(conn);
  const char *code = code_of(text);
  Buffer line = {0};
  while (*text) {
    text += strspn(text, " \t\n");
    size_t len = strcspn(text, "\n");
    if (len > 0)
      put_line(&line, text, len);
    text += len;
  }
  if (line.len == 0)
    put(&line, "could not connect: no reason given");
  error_set(error, code, "%.*s", (int)line.len, line.data ? line.data : "out of memory");
  buffer_free(&line);
}

PGconn *conn_connect(const char *conninfo, Notices *notices, Error *error) {
  if (!conninfo_check(conninfo, error))
    return NULL;
  PGconn *conn = start(conninfo);
  if (!conn || (PQstatus(conn) != CONNECTION_BAD && !state_attach(conn, notices))) {
    error_set(error, "53200", "could not connect: out of memory");
    PQfinish(conn);
    return NULL;
  }
  int driven = PQstatus(conn) == CONNECTION_BAD ? 0 : drive(conn, error);
  if (driven == 0)
    failure(conn, error);
  if (driven < 1) {
    PQfinish(conn);
    return NULL;
  }
  PQsetnonblocking(conn, 1);
  return conn;
}
