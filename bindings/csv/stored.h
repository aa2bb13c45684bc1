// Which characters a database has that is not in UTF-8. iconv knows nearly the same as the server;
// where they differ, this is what the server says.
#ifndef PGHOST_CSV_STORED_H
#define PGHOST_CSV_STORED_H

#include <stddef.h>

typedef struct Stored Stored;

// `encoding` is iconv's name of it. NULL: unknown to iconv, or no memory.
Stored *stored_new(const char *encoding);
void stored_free(Stored *stored); // NULL is fine

// How much of a valid text in UTF-8 the database has characters for.
size_t stored_length(Stored *stored, const char *text, size_t len);

#endif
