// Inputs that libarchive decompresses. Other code reaches them through csv/archive_parts.h, which
// archive/parts.c implements.
#ifndef PGHOST_ARCHIVE_INPUTS_H
#define PGHOST_ARCHIVE_INPUTS_H

#include "csv/archive_parts.h"

struct archive;

Input *input_open_packed(RawInput *inner, PackedKind kind, Error *error);
Input *input_open_member(RawInput *inner, const char *member, Error *error);
bool input_visit_zip(RawInput *inner, MemberVisitor visit, void *data, Error *error);

// input_damaged with libarchive's reason, or `otherwise`; code "ENOMEM" if it ran out of memory.
// Returns -1.
ptrdiff_t input_archive_failed(Error *error, const char *name, struct archive *archive,
                               const char *otherwise);

#endif
