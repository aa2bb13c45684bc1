// A stream of bytes in an encoding that cannot be tokenised as it is, made into UTF-8.
//
// UTF-16 is converted so that it can be undone, whatever the file holds: half of a surrogate pair
// becomes three bytes as if it were a character, and a single byte at the end becomes two that no
// UTF-8 has. The reader then rejects the record as not valid, with the bytes of the file.
#ifndef PGHOST_CSV_TRANSCODE_H
#define PGHOST_CSV_TRANSCODE_H

#include "base/buffer.h"
#include "csv/encoding.h"

typedef struct Transcoder Transcoder;

// `options` are resolved. NULL: no memory.
Transcoder *transcoder_new(const TextOptions *options);
void transcoder_free(Transcoder *transcoder); // NULL is fine

// Converts the next bytes; what is the start of a character waits for the rest of it, but at the
// end (`final`). What is not valid becomes a byte 0xff. False: no memory.
bool transcoder_put(Transcoder *transcoder, const char *bytes, size_t len, bool final, Buffer *out);

// Undoes the conversion of UTF-16.
void transcode_to_utf16(EncodingKind kind, const char *bytes, size_t len, Buffer *out);

// How long UTF-8 text of this kind of source is in the file itself.
uint64_t transcode_length_in_file(EncodingKind kind, const char *bytes, size_t len);

#endif
