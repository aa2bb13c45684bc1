// What libarchive does for inputs and outputs: a separate shared object (bindings/archive/), loaded
// for the first file that needs it, since libarchive pulls in some fifteen libraries.
#ifndef PGHOST_CSV_ARCHIVE_PARTS_H
#define PGHOST_CSV_ARCHIVE_PARTS_H

#include "csv/input.h"

typedef enum PackedKind { PACKED_ZSTD, PACKED_XZ, PACKED_BZIP2 } PackedKind;

// Compresses what is written to it and passes the result to `write`.
typedef struct Packer Packer;
typedef bool (*PackedWriter)(void *data, const char *bytes, size_t len, Error *error);

typedef struct ArchiveParts {
  // Decompress what `inner` reads. They take over `inner` (closed on failure too).
  Input *(*open_packed)(RawInput *inner, PackedKind kind, Error *error);
  Input *(*open_member)(RawInput *inner, const char *member, Error *error);
  // input_look's walk through what `inner` reads; closes `inner`.
  bool (*visit_zip)(RawInput *inner, MemberVisitor visit, void *data, Error *error);
  // `packing` is libarchive's name for a filter. Returns NULL on failure.
  Packer *(*pack)(const char *packing, PackedWriter write, void *data, Error *error);
  bool (*pack_bytes)(Packer *packer, const char *bytes, size_t len, Error *error);
  bool (*pack_end)(Packer *packer, Error *error); // writes the last bytes
  void (*pack_close)(Packer *packer);             // writes nothing more; NULL is fine
} ArchiveParts;

// In the shared object, or in the program itself if that was linked with it.
extern const ArchiveParts pghost_archive_parts;

// NULL: the shared object could not be loaded.
const ArchiveParts *archive_parts(Error *error);

#endif
