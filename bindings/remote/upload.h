// Uploads a local file to an object in a store.
#ifndef PGHOST_REMOTE_UPLOAD_H
#define PGHOST_REMOTE_UPLOAD_H

#include <stdbool.h>

#include "base/error.h"

// Writes the bytes of the file into "s3://BUCKET/KEY": all of them, or the object stays as it was.
// Large files go in parts; each is sent with its SHA-256, which the store checks, and retried after
// a transient error. The parts of a failed upload are deleted.
bool upload_file(const char *file, const char *url, Error *error);

#endif
