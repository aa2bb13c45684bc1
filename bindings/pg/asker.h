// A connection beside a load's own that asks the server to parse texts: those that the client's
// types cannot read go through the server's input functions and come back in binary.
//
// Opened on first use; its session reads dates, zones and intervals as the load's session does.
// Safe on any thread, one at a time (the caller's lock).
#ifndef PGHOST_PG_ASKER_H
#define PGHOST_PG_ASKER_H

#include "pg/conn.h"

typedef struct Asker Asker;

// The server's answer for a text: bytes in COPY's binary format, or an error.
typedef struct Answer {
  bool null;
  bool refused;
  size_t start, len; // of the bytes, or of the error message, in `answers`
  char code[6];      // SQLSTATE of an error
} Answer;

// Copies the settings it needs from a connection of the load, which it does not use. NULL: out of
// memory.
Asker *asker_new(PGconn *like);
void asker_free(Asker *asker); // NULL is fine

// Asks for `count` texts; `expression` is SQL over the text `v`. Bytes are appended to `bytes`.
// False: the server could not be asked.
bool asker_ask(Asker *asker, const char *expression, const char *const *texts, const size_t *lens,
               size_t count, Answer *answers, Buffer *bytes, Error *error);

#endif
