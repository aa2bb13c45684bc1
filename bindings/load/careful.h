// A clean stream of which the server may refuse records one by one. For load/ only.
#ifndef PGHOST_LOAD_CAREFUL_H
#define PGHOST_LOAD_CAREFUL_H

#include "load/shared.h"

enum { CAREFUL_BLOCKS = 16 }; // that are kept until the server has taken them

// Sends the blocks, which stay the caller's, in COPYs under savepoints. What the server refuses
// becomes a reject. False: error filled, the stream is over.
bool careful_send(Stream *stream, Block *const *blocks, size_t count, Error *error);

#endif
