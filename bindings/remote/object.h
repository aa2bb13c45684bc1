// Objects behind URLs as inputs.
#ifndef PGHOST_REMOTE_OBJECT_H
#define PGHOST_REMOTE_OBJECT_H

#include "base/input.h"

// An InputOpener. The bytes come in ranges, several at a time, if the server supports ranges and
// names the object's version; otherwise in one transfer. A broken transfer resumes where it ended,
// provided the object has not changed since it was opened (or is still `version`): otherwise
// reading ends with code "changed". An unsuccessful status is an error, code "ENOENT", "EACCES" or
// "remote".
RawInput *object_open(const char *url, const char *version, Error *error);

#endif
