// Whether ASCII text looks like UTF-7 (RFC 2152).
#ifndef PGHOST_CSV_UTF7_H
#define PGHOST_CSV_UTF7_H

#include <stddef.h>

// Counts the runs of modified base64 that are letters and signs beyond ASCII as texts have them,
// and the pluses that begin something else; "+-" is a plus in either.
void utf7_count(const char *bytes, size_t len, size_t *runs, size_t *others);

#endif
