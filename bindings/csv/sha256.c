// See sha256.h.
#include "csv/sha256.h"

#include "base/hex.h"

enum { SHA256_BYTES = 32 };

EVP_MD_CTX *sha256_new(void) {
  EVP_MD_CTX *sum = EVP_MD_CTX_new();
  if (sum && EVP_DigestInit_ex(sum, EVP_sha256(), NULL) == 1)
    return sum;
  EVP_MD_CTX_free(sum);
  return NULL;
}

void sha256_prepare(void) {
  EVP_MD_CTX_free(sha256_new());
}

bool sha256_finish(EVP_MD_CTX *sum, char out[SHA256_TEXT]) {
  unsigned char bytes[SHA256_BYTES];
  if (EVP_DigestFinal_ex(sum, bytes, NULL) != 1)
    return false;
  hex_write(out, bytes, sizeof bytes);
  out[SHA256_TEXT - 1] = 0;
  return true;
}
