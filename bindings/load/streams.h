// The COPY streams of a load. For load/ only.
#ifndef PGHOST_LOAD_STREAMS_H
#define PGHOST_LOAD_STREAMS_H

#include "load/shared.h"

// Begins the COPY. False: its connection is idle.
bool stream_begin(Stream *stream, const char *copy, Error *error);

// The thread that sends the blocks.
void *sender_main(void *stream);

// The end of a stream: well, or as an aborted COPY. `rows` of it is what the server counted.
bool stream_end(Stream *stream, Error *error);
void stream_close(Stream *stream, bool keep_rejects); // those ended well all the same

// Whether the server counted as many rows of each kind as were sent.
bool streams_check_rows(const Engine *engine, const uint64_t rows[STREAM_KINDS], Error *error);

#endif
