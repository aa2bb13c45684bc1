// What libarchive does for inputs and outputs: a shared object of its own (bindings/archive/),
// loaded by the first file that needs it, since libarchive brings some fifteen libraries along.
#ifndef PGHOST_CSV_ARCHIVE_PARTS_H
#define PGHOST_CSV_ARCHIVE_PARTS_H

#include "csv/input.h"

typedef enum PackedKind { PACKED_ZSTD, PACKED_XZ, PACKED_BZIP2 } PackedKind;

// Compresses what is written to it and gives that to `write`.
typedef struct Packer Packer;
typedef bool (*PackedWriter)(void *data, const char *bytes, size_t len, Error *error);

typedef struct ArchiveParts {
  // Unpack what `inner` reads, which they take over (closed on failure too).
  Input *(*open_packed)(RawInput *inner, PackedKind kind, Error *error);
  Input *(*open_member)(RawInput *inner, const char *member, Error *error);
  // The walk of input_look through what `inner` reads, which is closed.
  bool (*visit_zip)(RawInput *inner, MemberVisitor visit, void *data, Error *error);
  // `packing` is libarchive's name of a filter. NULL: failed.
  Packer *(*pack)(const char *packing, PackedWriter write, void *data, Error *error);
  bool (*pack_bytes)(Packer *packer, const char *bytes, size_t len, Error *error);
  bool (*pack_end)(Packer *packer, Error *error); // the last bytes are written
  void (*pack_close)(Packer *packer);             // nothing is written any more; NULL is fine
} ArchiveParts;

// In the shared object, or in the program itself where that has been linked with it.
extern const ArchiveParts pghost_archive_parts;

// NULL: the shared object could not be loaded.
const ArchiveParts *archive_parts(Error *error);

#endif
