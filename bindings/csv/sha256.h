// The SHA-256 of what is read, by libcrypto.
#ifndef PGHOST_CSV_SHA256_H
#define PGHOST_CSV_SHA256_H

#include <openssl/evp.h>
#include <stdbool.h>

enum { SHA256_TEXT = 65 }; // digits and the NUL after them

// Lets libcrypto make what it needs; on the main thread, before others use it. What fails in here
// for want of memory fails again, and is reported, where it is used.
void sha256_prepare(void);

// A sum begun; NULL: no memory. EVP_DigestUpdate adds to it.
EVP_MD_CTX *sha256_new(void);

// Its digits. False: it cannot be had.
bool sha256_finish(EVP_MD_CTX *sum, char out[SHA256_TEXT]);

#endif
