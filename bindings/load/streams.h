// The COPY streams of a load. For load/ only.
#ifndef PGHOST_LOAD_STREAMS_H
#define PGHOST_LOAD_STREAMS_H

#include "load/shared.h"

// Begins the COPY. False: failed, the connection is idle.
bool stream_begin(Stream *stream, const char *copy, Error *error);

// The thread that sends the blocks.
void *sender_main(void *stream);

// Ends a stream: completes or aborts its COPY. Its `rows` is the server's count.
bool stream_end(Stream *stream, Error *error);
void stream_close(Stream *stream, bool keep_rejects); // completes the rejects stream even so

// Whether the server counted as many rows of each kind as were sent.
bool streams_check_rows(const Engine *engine, const uint64_t rows[STREAM_KINDS], Error *error);

#endif
