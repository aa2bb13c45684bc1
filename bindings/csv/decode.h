// The text of fields: checks that PostgreSQL can store it, and makes UTF-8 of it. After the reader
// has found the fields, and only for those that are not plain ASCII.
#ifndef PGHOST_CSV_DECODE_H
#define PGHOST_CSV_DECODE_H

#include "csv/batch.h"
#include "csv/encoding.h"
#include "csv/general.h"

typedef struct Decoder Decoder;

// `options` are resolved and copied. `quote` tells an empty field without quotes, which is NULL.
// NULL: no memory. One decoder per thread.
Decoder *decoder_new(const TextOptions *options, char quote);
void decoder_free(Decoder *decoder); // NULL is fine

// Looks at all records of the batch, which were read from bytes[0, len). Fields in another encoding
// become views into batch->decoded; a record with a field that is not valid becomes a reject that
// knows column and bytes. False: no memory.
bool decoder_run(Decoder *decoder, const char *bytes, size_t len, Batch *batch);

// Does the same for the last field of records whose extra fields were put together into it, as they
// are written; `general` tells where each of them ends.
void decoder_run_extra(Decoder *decoder, General *general, Batch *batch);

#endif
