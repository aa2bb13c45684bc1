// Objects behind URLs as inputs.
#ifndef PGHOST_REMOTE_OBJECT_H
#define PGHOST_REMOTE_OBJECT_H

#include "base/input.h"

// An InputOpener. The bytes come in ranges, several at a time, where the server gives ranges of a
// version that it names; otherwise in one transfer. What breaks off is taken up where it ended,
// while the object is what it was when it was opened (or `version`): otherwise reading ends with
// code "changed". A status that is no success is an error, code "ENOENT", "EACCES" or "remote".
RawInput *object_open(const char *url, const char *version, Error *error);

#endif
