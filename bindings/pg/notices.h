// Notices from the server, queued until a caller takes them.
#ifndef PGHOST_PG_NOTICES_H
#define PGHOST_PG_NOTICES_H

#include "base/buffer.h"

// Notices of one connection, queued as "severity\0message\0" pairs. Heap-allocated by its owner and
// freed only after PQfinish.
typedef struct Notices {
  Buffer text;
  size_t count;
  size_t dropped; // beyond the limit of 1,000 untaken notices
} Notices;

#endif
