// Locations: turns a URL as a user gives it into a request to a server, signed or not.
#ifndef PGHOST_REMOTE_LOCATION_H
#define PGHOST_REMOTE_LOCATION_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"
#include "remote/credentials.h"

typedef struct Location {
  char *shown;      // for messages: without secret-looking values of the query
  char *url;        // to be requested, percent-encoded
  char *signing;    // for CURLOPT_AWS_SIGV4; NULL: not signed
  char payload[65]; // SHA-256 of the request body, hex; "": not given
  Credentials credentials;
} Location;

// An http or https URL, or "s3://BUCKET/KEY". A name and password within the URL are refused.
bool location_find(const char *path, Location *location, Error *error);

// The URL that lists the objects of a bucket whose keys begin with what follows the bucket's name
// in `path`, in pages: `token` is the one from the end of the previous page, or NULL. `shallow`:
// only keys without a further "/".
bool location_of_list(const char *path, bool shallow, const char *token, Location *location,
                      Error *error);

// An object of a store with a query, whose parameters are sorted and percent-encoded already: what
// is sent in parts.
bool location_of_object(const char *path, const char *query, Location *location, Error *error);

void location_free(Location *location);

// Puts a URL as it may be shown and stored: each value of its query whose name looks secret
// (a signature, a token, a key) is "...". With a NUL that `len` does not count.
void location_show(const char *url, Buffer *out);

#endif
