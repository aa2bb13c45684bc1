// See sha256.h. libcrypto's functions always return 1 here: they only refuse contexts of other
// lengths.
#include "csv/sha256.h"

#include "base/hex.h"

void sha256_begin(Sha256 *sum) {
  SHA256_Init(sum);
}

void sha256_add(Sha256 *sum, const char *bytes, size_t len) {
  SHA256_Update(sum, bytes, len);
}

void sha256_finish(Sha256 *sum, char out[SHA256_TEXT]) {
  unsigned char bytes[SHA256_DIGEST_LENGTH];
  SHA256_Final(bytes, sum);
  hex_write(out, bytes, sizeof bytes);
  out[SHA256_TEXT - 1] = 0;
}
