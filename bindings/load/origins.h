// Where a record came from: its file and line, or those stored in a raw table; its bytes. For load/
// only.
#ifndef PGHOST_LOAD_ORIGINS_H
#define PGHOST_LOAD_ORIGINS_H

#include "load/shared.h"
#include "load/stream_rows.h"

Origin origin_of(const Block *block, const Record *record);

// Offset, length and bytes as the file has them; of a record from a table its fields as CSV. Valid
// until the next call.
void origin_locate(Block *block, const Record *record, Origin *origin);

#endif
