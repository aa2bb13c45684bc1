// Lists the objects below a prefix of a bucket.
#ifndef PGHOST_REMOTE_LISTING_H
#define PGHOST_REMOTE_LISTING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

// Puts the keys of the objects whose URLs begin with `prefix` ("s3://BUCKET/data/2024-") into
// `keys`, each NUL-terminated, in the store's order. `shallow`: without keys that have a "/" after
// the prefix.
bool listing_read(const char *prefix, bool shallow, Buffer *keys, Error *error);

#endif
