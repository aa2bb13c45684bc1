// Which line of which file a row is that the server complains of. For load/ only.
#ifndef PGHOST_LOAD_PLACES_H
#define PGHOST_LOAD_PLACES_H

#include "load/shared.h"

// Notes the rows of a block that is about to be sent. Memory is bounded: only the last blocks are
// known, which is more than what lies between us and the server.
void places_note(Stream *stream, const Block *block);
void places_free(Stream *stream);

// The number of the row that COPY's context names, from 1; 0: none.
uint64_t places_row(const Error *error);

// What a row is to blame for: its data, a constraint, what a trigger raises. Not the end of a
// connection while it was on its way. Classes of SQLSTATE: PostgreSQL manual, appendix A.
bool places_of_row(const Error *error);

// The name of the column in that context; false: none.
bool places_column(const Error *error, char *out, size_t size);

// Has the failure of a stream that a row is to blame for begin with "\1FILE_ID:LINE:", where that
// is known: the caller knows the names of files.
void places_tell(const Stream *stream, Error *error);

#endif
