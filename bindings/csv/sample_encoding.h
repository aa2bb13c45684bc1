// Detects the encoding of a file's bytes and decodes them to UTF-8 for inspection.
//
// Loads do their own decoding; here, what cannot be decoded is replaced and counted.
#ifndef PGHOST_CSV_SAMPLE_ENCODING_H
#define PGHOST_CSV_SAMPLE_ENCODING_H

#include <iconv.h>

#include "base/buffer.h"
#include "base/error.h"

enum { SAMPLE_ENCODING_SIZE = 40, SAMPLE_ENCODING_BYTES = 256 * 1024 };

typedef struct SampleEncoding {
  char name[SAMPLE_ENCODING_SIZE]; // as iconv knows it, lower case; "utf-8" also for plain ASCII
  // Where it comes from: "mark" (byte order mark), "ascii", "valid" (non-ASCII, and all of it valid
  // UTF-8), "mostly" (UTF-8 but for a few places), "zeros" (UTF-16 or UTF-32 by where the zero
  // bytes are), "escapes" (ISO 2022), "runs" (UTF-7), "language" (legacy.h), "unsure" (the same,
  // but it could be another), "given".
  const char *how;
  double confidence;
  size_t mark;       // bytes of the byte order mark
  size_t non_ascii;  // bytes of 128 and above among those examined
  size_t invalid;    // with "mostly": places that are not UTF-8
  const char *rival; // with "language", "runs" and "unsure": the next candidate; "": none
  double margin;     // the same: see legacy.h
  double strangeness;
  const char *language; // with "language" and "unsure": that of the text, as in locale names
} SampleEncoding;

// Examines the first bytes of a file. A character cut off at the end is an error only if `whole`.
SampleEncoding sample_encoding(const char *bytes, size_t len, bool whole);

// For an encoding that the caller knows; a byte order mark of that encoding is skipped.
SampleEncoding sample_encoding_given(const char *name, const char *bytes, size_t len);

// Offset of the first byte that is not valid UTF-8, or `len`. An incomplete character at the end
// counts as invalid.
size_t sample_utf8_valid(const char *bytes, size_t len);

typedef struct SampleDecoder {
  iconv_t handle;
  bool open; // false: bytes pass unchanged
  char left[16];
  size_t left_len;
  uint64_t invalid; // bytes replaced by U+FFFD
} SampleDecoder;

// False: iconv does not know the encoding.
bool sample_decoder_open(SampleDecoder *decoder, const SampleEncoding *encoding, Error *error);
void sample_decoder_close(SampleDecoder *decoder);

// Appends the bytes as UTF-8 to `out`; an incomplete character waits for the next call.
void sample_decode(SampleDecoder *decoder, const char *bytes, size_t len, bool final, Buffer *out);

#endif
