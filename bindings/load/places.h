// Finds the file and line of a row that the server complains about. For load/ only.
#ifndef PGHOST_LOAD_PLACES_H
#define PGHOST_LOAD_PLACES_H

#include "load/shared.h"

// Notes the rows of a block that is about to be sent. Memory is bounded: only the latest blocks are
// kept, which is more than can be on the way to the server.
void places_note(Stream *stream, const Block *block);
void places_free(Stream *stream);

// Notes the table that a stream is for, by its statement: contexts name it.
void places_of_table(Stream *stream, const char *copy);

// The row number that COPY's context names, from 1; 0: none.
uint64_t places_row(const Stream *stream, const Error *error);

// Whether a row is to blame: for its data, a constraint, an error raised by a trigger, a limit of
// the server, or a value that its type's input function refuses. Not for a connection lost while
// the row was on its way. Classes of SQLSTATE: PostgreSQL manual, appendix A.
bool places_of_row(const Stream *stream, const Error *error);

// The name of the column in that context; false: none.
bool places_column(const Stream *stream, const Error *error, char *out, size_t size);

// Prefixes a stream failure caused by a row with "\1FILE_ID:LINE:", if known: the caller knows the
// file names.
void places_tell(const Stream *stream, Error *error);

#endif
