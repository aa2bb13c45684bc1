// Whether ASCII text looks like UTF-7 (RFC 2152).
#ifndef PGHOST_CSV_UTF7_H
#define PGHOST_CSV_UTF7_H

#include <stddef.h>

// Counts the runs of modified base64 that decode to plausible characters beyond ASCII, and the
// pluses that start anything else; "+-" is neither.
void utf7_count(const char *bytes, size_t len, size_t *runs, size_t *others);

#endif
