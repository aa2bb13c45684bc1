// Descriptors 0, 1 and 2.
#ifndef PGHOST_HOST_STANDARD_STREAMS_H
#define PGHOST_HOST_STANDARD_STREAMS_H

#include <stdbool.h>

// Opens /dev/null for each of the three that the parent closed, so that no file or socket gets its
// number by mistake. Call before anything is opened. Reading stdin and writing stdout then fail, as
// on a closed descriptor; stderr output is dropped. False: see errno.
bool standard_streams_open(void);

#endif
