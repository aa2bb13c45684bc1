#include "csv/digest.h"

#include "csv/sha256.h"

enum { DIGEST_BLOCK = 64 * 1024 };

// 1: more may follow, 0: the end, -1: an error.
static int add_block(Input *input, uint64_t limit, EVP_MD_CTX *context, SourceTotals *totals,
                     Error *error) {
  char block[DIGEST_BLOCK];
  uint64_t left = limit - totals->bytes;
  size_t want = left < sizeof block ? (size_t)left : sizeof block;
  ptrdiff_t got = want > 0 ? input->read(input, block, want, error) : 0;
  if (got > 0 && EVP_DigestUpdate(context, block, (size_t)got) != 1) {
    error_set(error, "digest", "could not compute a SHA-256");
    return -1;
  }
  totals->bytes += got > 0 ? (uint64_t)got : 0;
  return got > 0 ? 1 : got < 0 ? -1 : 0;
}

bool input_digest(Input *input, uint64_t limit, SourceTotals *totals, Error *error) {
  *totals = (SourceTotals){0};
  EVP_MD_CTX *context = sha256_new();
  int state = context ? 1 : -1;
  if (state < 0)
    error_set(error, "digest", "could not compute a SHA-256");
  while (state > 0)
    state = add_block(input, limit, context, totals, error);
  bool ok = state == 0 && (sha256_finish(context, totals->sha256) ||
                           error_set(error, "digest", "could not compute a SHA-256"));
  EVP_MD_CTX_free(context);
  return ok;
}
