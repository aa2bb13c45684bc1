// A file of this machine into an object of a store.
#ifndef PGHOST_REMOTE_UPLOAD_H
#define PGHOST_REMOTE_UPLOAD_H

#include <stdbool.h>

#include "base/error.h"

// Writes the bytes of the file into "s3://BUCKET/KEY": all of them, or the object stays as it was.
// In parts where it is large; each is sent with its SHA-256, which the store checks, and again
// where it failed for a transient reason. What was sent of an upload that fails is taken back.
bool upload_file(const char *file, const char *url, Error *error);

#endif
