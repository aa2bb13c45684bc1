// Passes over many bytes at once: counting, and checking what PostgreSQL can store as text.
//
// Plain loops that the compiler turns into vector code; no state, no allocation. Not a tokeniser.
#ifndef PGHOST_CSV_SCAN_H
#define PGHOST_CSV_SCAN_H

#include <stdbool.h>
#include <stddef.h>

// How often `byte` occurs in bytes[0, len).
size_t scan_count(const char *bytes, size_t len, char byte);

// True when every byte is in 0x01..0x7f.
bool scan_is_plain_ascii(const char *bytes, size_t len);

// True when the bytes are UTF-8 as PostgreSQL accepts it (RFC 3629: no overlong forms, no
// surrogates, nothing above U+10FFFF). NUL bytes are accepted here.
bool scan_is_utf8(const char *bytes, size_t len);

// The length of the prefix that is valid in this sense.
size_t scan_utf8_length(const char *bytes, size_t len);

#endif
