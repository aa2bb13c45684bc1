// A connection beside a load's own that asks the server what texts mean to it: what the client's
// types do not know goes through the types' input functions, and comes back in binary.
//
// Opened when there is something to ask; its session reads dates, zones and intervals as the
// load's does. Safe on any thread, one at a time (the caller's lock).
#ifndef PGHOST_PG_ASKER_H
#define PGHOST_PG_ASKER_H

#include "pg/conn.h"

typedef struct Asker Asker;

// What the server makes of a text: bytes as COPY's binary format has them, or its refusal.
typedef struct Answer {
  bool null;
  bool refused;
  size_t start, len; // of the bytes, or of the refusal's words, in `answers`
  char code[6];      // SQLSTATE of a refusal
} Answer;

// Takes what it needs to know from a connection of the load, which it does not use. NULL: no
// memory.
Asker *asker_new(PGconn *like);
void asker_free(Asker *asker); // NULL is fine

// Asks for `count` texts; `expression` is SQL over the text `v`. Bytes are appended to `bytes`.
// False: the server could not be asked.
bool asker_ask(Asker *asker, const char *expression, const char *const *texts, const size_t *lens,
               size_t count, Answer *answers, Buffer *bytes, Error *error);

#endif
