#include "archive/packer.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>

struct Packer {
  struct archive *archive;
  struct archive_entry *entry;
  PackedWriter write;
  void *data;
};

// Called by libarchive with compressed bytes.
static la_ssize_t take_packed(struct archive *archive, void *packer, const void *bytes,
                              size_t len) {
  const Packer *self = packer;
  Error error;
  if (self->write(self->data, bytes, len, &error))
    return (la_ssize_t)len;
  archive_set_error(archive, EIO, "%s", error.message);
  return -1;
}

static bool packing_failed(const Packer *packer, Error *error) {
  const char *what = archive_error_string(packer->archive);
  if (archive_errno(packer->archive) == ENOMEM)
    return error_set(error, "ENOMEM", "could not compress the output: out of memory");
  return error_set(error, "EIO", "%s", what ? what : "could not compress the output");
}

static bool begin(Packer *packer, const char *packing, Error *error) {
  packer->archive = archive_write_new();
  packer->entry = archive_entry_new();
  if (!packer->archive || !packer->entry)
    return error_set(error, "ENOMEM", "out of memory");
  if (archive_write_add_filter_by_name(packer->archive, packing) < ARCHIVE_WARN)
    return error_set(error, "EINVAL", "output cannot be compressed with '%s' here", packing);
  archive_write_set_format_raw(packer->archive);
  archive_write_set_bytes_in_last_block(packer->archive, 1); // no padding
  archive_entry_set_filetype(packer->entry, AE_IFREG);
  if (archive_write_open(packer->archive, packer, NULL, take_packed, NULL) != ARCHIVE_OK ||
      archive_write_header(packer->archive, packer->entry) != ARCHIVE_OK)
    return packing_failed(packer, error);
  return true;
}

Packer *packer_open(const char *packing, PackedWriter write, void *data, Error *error) {
  Packer *packer = calloc(1, sizeof *packer);
  if (!packer) {
    error_set(error, "ENOMEM", "out of memory");
    return NULL;
  }
  packer->write = write;
  packer->data = data;
  if (begin(packer, packing, error))
    return packer;
  packer_close(packer);
  return NULL;
}

bool packer_write(Packer *packer, const char *bytes, size_t len, Error *error) {
  return archive_write_data(packer->archive, bytes, len) == (la_ssize_t)len ||
         packing_failed(packer, error);
}

bool packer_end(Packer *packer, Error *error) {
  return archive_write_close(packer->archive) == ARCHIVE_OK || packing_failed(packer, error);
}

void packer_close(Packer *packer) {
  if (!packer)
    return;
  if (packer->archive) {
    archive_write_fail(packer->archive);
    archive_write_free(packer->archive);
  }
  archive_entry_free(packer->entry);
  free(packer);
}
