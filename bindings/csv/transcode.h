// Converts a stream of bytes to UTF-8, for encodings that cannot be tokenised directly.
//
// UTF-16 is converted reversibly, whatever the file holds: half of a surrogate pair becomes three
// bytes as if it were a character, and a single trailing byte becomes two that never occur in
// UTF-8. The reader then rejects the record as invalid, with its original bytes.
#ifndef PGHOST_CSV_TRANSCODE_H
#define PGHOST_CSV_TRANSCODE_H

#include "base/buffer.h"
#include "csv/encoding.h"

typedef struct Transcoder Transcoder;

// `options` are resolved. NULL: out of memory.
Transcoder *transcoder_new(const TextOptions *options);
void transcoder_free(Transcoder *transcoder); // NULL is fine

// Converts the next bytes. An incomplete character waits for its rest, except at the end (`final`).
// Invalid input becomes a byte 0xff. False: out of memory.
bool transcoder_put(Transcoder *transcoder, const char *bytes, size_t len, bool final, Buffer *out);

// Undoes the conversion of UTF-16.
void transcode_to_utf16(EncodingKind kind, const char *bytes, size_t len, Buffer *out);

// The length in the file itself of UTF-8 text from this kind of source.
uint64_t transcode_length_in_file(EncodingKind kind, const char *bytes, size_t len);

#endif
