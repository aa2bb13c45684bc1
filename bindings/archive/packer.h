// Compressing bytes with libarchive's filters. Other code reaches it through archive/parts.c.
#ifndef PGHOST_ARCHIVE_PACKER_H
#define PGHOST_ARCHIVE_PACKER_H

#include "csv/archive_parts.h"

Packer *packer_open(const char *packing, PackedWriter write, void *data, Error *error);
bool packer_write(Packer *packer, const char *bytes, size_t len, Error *error);
bool packer_end(Packer *packer, Error *error);
void packer_close(Packer *packer);

#endif
