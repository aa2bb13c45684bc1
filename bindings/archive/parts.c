// The only symbol of this shared object that others look up.
#include "archive/inputs.h"
#include "archive/packer.h"

__attribute__((visibility("default"))) const ArchiveParts pghost_archive_parts = {
    .open_packed = input_open_packed,
    .open_member = input_open_member,
    .visit_zip = input_visit_zip,
    .pack = packer_open,
    .pack_bytes = packer_write,
    .pack_end = packer_end,
    .pack_close = packer_close,
};
