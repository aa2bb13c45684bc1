// The SHA-256 of what is read, by libcrypto's low-level functions: they need no memory and no
// provider. The EVP functions load providers on first use, and crash if they run out of memory then
// (OpenSSL 3.0).
#ifndef PGHOST_CSV_SHA256_H
#define PGHOST_CSV_SHA256_H

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <stddef.h>

enum { SHA256_TEXT = 65 }; // digits and the NUL after them

typedef SHA256_CTX Sha256;

void sha256_begin(Sha256 *sum);
void sha256_add(Sha256 *sum, const char *bytes, size_t len);

// Finishes the hash and writes its digits.
void sha256_finish(Sha256 *sum, char out[SHA256_TEXT]);

#endif
