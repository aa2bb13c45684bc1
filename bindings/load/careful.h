// A clean stream from which the server may refuse single records. For load/ only.
#ifndef PGHOST_LOAD_CAREFUL_H
#define PGHOST_LOAD_CAREFUL_H

#include "load/shared.h"

enum { CAREFUL_BLOCKS = 16 }; // kept until the server has accepted them

// Sends the blocks, still owned by the caller, in COPYs under savepoints. Records that the server
// refuses become rejects. False: error filled, the stream has ended.
bool careful_send(Stream *stream, Block *const *blocks, size_t count, Error *error);

#endif
