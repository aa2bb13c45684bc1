// Which characters a database with an encoding other than UTF-8 can store. iconv nearly agrees with
// the server; where they differ, this follows the server.
#ifndef PGHOST_CSV_STORED_H
#define PGHOST_CSV_STORED_H

#include <stddef.h>

typedef struct Stored Stored;

// `encoding` is iconv's name. NULL: unknown to iconv, or out of memory.
Stored *stored_new(const char *encoding);
void stored_free(Stored *stored); // NULL is fine

// The length of the prefix of a valid UTF-8 text that the database can store.
size_t stored_length(Stored *stored, const char *text, size_t len);

#endif
