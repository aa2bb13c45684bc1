// Descriptors 0, 1 and 2.
#ifndef PGHOST_HOST_STANDARD_STREAMS_H
#define PGHOST_HOST_STANDARD_STREAMS_H

#include <stdbool.h>

// Opens /dev/null for each of the three that the caller has closed, so that no file or socket gets
// its number and is taken for it. Call before anything is opened. Reading stdin and writing stdout
// then fail, as they do on what is closed; what goes to stderr is dropped. False: errno.
bool standard_streams_open(void);

#endif
