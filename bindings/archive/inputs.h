// Inputs that libarchive unpacks. For archive/parts.c, where others find them
// (csv/archive_parts.h).
#ifndef PGHOST_ARCHIVE_INPUTS_H
#define PGHOST_ARCHIVE_INPUTS_H

#include "csv/archive_parts.h"

struct archive;

Input *input_open_packed(RawInput *inner, PackedKind kind, Error *error);
Input *input_open_member(RawInput *inner, const char *member, Error *error);
bool input_visit_zip(RawInput *inner, MemberVisitor visit, void *data, Error *error);

// input_damaged with libarchive's reason, or `otherwise`; code "ENOMEM" where it had no memory.
// Returns -1.
ptrdiff_t input_archive_failed(Error *error, const char *name, struct archive *archive,
                               const char *otherwise);

#endif
