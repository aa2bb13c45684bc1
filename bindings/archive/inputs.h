// Inputs that libarchive unpacks. For archive/parts.c, where others find them
// (csv/archive_parts.h).
#ifndef PGHOST_ARCHIVE_INPUTS_H
#define PGHOST_ARCHIVE_INPUTS_H

#include "csv/archive_parts.h"

Input *input_open_packed(Input *inner, PackedKind kind, const char *name, Error *error);
Input *input_open_member(Input *inner, const char *member, const char *name, Error *error);
bool input_visit_zip(Input *inner, const char *name, MemberVisitor visit, void *data, Error *error);

#endif
