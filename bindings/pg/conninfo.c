// Refuses connection strings whose failure would show a piece of a password. Not a parser: what it
// lets through goes to libpq as it is.
#include "pg/conninfo.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

static bool refuse(Error *error, const char *reason) {
  return error_set(error, "08001",
                   "could not read the connection string (not shown, it may hold a password): %s",
                   reason);
}

static bool is_url(const char *conninfo) {
  return strncmp(conninfo, "postgresql://", 13) == 0 || strncmp(conninfo, "postgres://", 11) == 0;
}

// libpq's reason up to the piece of the string that it quotes.
static bool refuse_parse(Error *error, const char *reason) {
  if (!reason)
    return refuse(error, "out of memory");
  if (strncmp(reason, "missing \"=\"", 11) == 0)
    return refuse(error, "a value without '=' (quote values with blanks: password='a b')");
  char text[128];
  size_t len = strcspn(reason, "\"\n");
  while (len > 0 && strchr(" :(", reason[len - 1]))
    len--;
  len = len < sizeof text ? len : sizeof text - 1;
  memcpy(text, reason, len);
  text[len] = 0;
  return refuse(error, text);
}

static const char *value_of(const PQconninfoOption *options, const char *keyword) {
  for (; options->keyword; options++)
    if (strcmp(options->keyword, keyword) == 0)
      return options->val ? options->val : "";
  return "";
}

// A '@', '/' or ':' of a password that is not percent-encoded moves the parts of a URL.
static bool check_url(const PQconninfoOption *options, Error *error) {
  const char *port = value_of(options, "port");
  if (strchr(value_of(options, "host"), '@') || strchr(value_of(options, "dbname"), '@') ||
      port[strspn(port, "0123456789,")])
    return refuse(error, "write '@', '/' and ':' in its user or password as %40, %2F and %3A");
  return true;
}

static bool check_plain(const char *conninfo, Error *error) {
  if (conninfo[strcspn(conninfo, "@:/")])
    return refuse(error, "it must begin with postgresql:// or be a list of key=value");
  return true;
}

bool conninfo_check(const char *conninfo, Error *error) {
  bool url = is_url(conninfo);
  if (!url && !strchr(conninfo, '='))
    return check_plain(conninfo, error);
  char *reason = NULL;
  PQconninfoOption *options = PQconninfoParse(conninfo, &reason);
  if (!options) {
    refuse_parse(error, reason);
    PQfreemem(reason);
    return false;
  }
  bool good = !url || check_url(options, error);
  PQconninfoFree(options);
  return good;
}
