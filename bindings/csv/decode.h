// The text of fields: checks that PostgreSQL can store it and converts it to UTF-8. Runs after the
// reader has found the fields, and only on fields that are not plain ASCII.
#ifndef PGHOST_CSV_DECODE_H
#define PGHOST_CSV_DECODE_H

#include "csv/batch.h"
#include "csv/encoding.h"
#include "csv/general.h"

typedef struct Decoder Decoder;

// `options` are resolved and copied. `quote` is the dialect's: an empty field without quotes is
// NULL. Returns NULL when out of memory. One decoder per thread.
Decoder *decoder_new(const TextOptions *options, char quote);
void decoder_free(Decoder *decoder); // NULL is fine

// Decodes all records of the batch, which were read from bytes[0, len). Fields in another encoding
// become views into batch->decoded; a record with an invalid field becomes a reject that names the
// column and the bytes. False: out of memory.
bool decoder_run(Decoder *decoder, const char *bytes, size_t len, Batch *batch);

// Does the same for the last field of records whose extra fields were joined into it verbatim;
// `general` finds where each of them ends.
void decoder_run_extra(Decoder *decoder, General *general, Batch *batch);

#endif
