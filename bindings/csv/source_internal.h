// What source.c and source_open.c share.
#ifndef PGHOST_CSV_SOURCE_INTERNAL_H
#define PGHOST_CSV_SOURCE_INTERNAL_H

#include <stdatomic.h>

#include "csv/header.h"
#include "csv/sha256.h"
#include "csv/source.h"
#include "csv/transcode.h"

#ifndef SOURCE_BLOCK // the fuzz targets have small blocks for their small texts
#define SOURCE_BLOCK (64 * 1024)
#endif

struct Source {
  Input *input;
  char *name;
  Dialect dialect;
  Buffer pending;
  size_t start;           // of the rest in pending
  Position position;      // of the next byte to hand out
  size_t unfinished;      // bytes put back in which no record ends: the next chunk must be longer
  bool at_end;            // of the input
  Transcoder *transcoder; // NULL: bytes are tokenised as they are read
  Buffer raw;             // read, to be transcoded
  uint64_t transcoded;    // bytes it produced
  uint64_t origin;        // Chunk.origin of the next chunk
  char encoding_note[ENCODING_NOTE];
  atomic_uint_fast64_t input_bytes;
  _Atomic double packing; // bytes of the file itself per byte to be consumed
  Header header;
  _Atomic uint64_t end_of_table; // offset where the records end
  Sha256 digest;
  bool undigested; // nobody will ask for the SHA-256
  SourceTotals totals;
  Lines opening;      // lines before the first record, and those skipped by source_skip_to
  bool open_end;      // the last line that was handed out has no line end
  bool header_mended; // a quote in the header was taken as data
};

// Fills `error`; always returns false.
bool source_no_memory(const Source *source, Error *error);

// Bytes read but not yet handed out.
size_t source_pending(const Source *source);

// Appends a block to what is pending, or sets at_end. False with `error` filled.
bool source_read_block(Source *source, Error *error);

// Puts bytes in front of what is pending. False: out of memory.
bool source_put_back(Source *source, const char *bytes, size_t len);

// Records the ratio of bytes of the file to bytes handed out, for source_in_file.
void source_note_packing(Source *source);

// The number of bytes of the file that these were before conversion.
uint64_t source_length_in_file(const Source *source, const char *bytes, size_t len);

// source_read, but at most `limit` records; 0: the whole chunk.
SourceStatus source_read_some(Source *source, Reader *reader, size_t target, size_t limit,
                              Chunk *chunk, Batch *batch, Error *error);

#endif
