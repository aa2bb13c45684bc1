#include "csv/digest.h"

#include "csv/sha256.h"

enum { DIGEST_BLOCK = 64 * 1024 };

// 1: more may follow, 0: the end, -1: an error.
static int add_block(Input *input, uint64_t limit, Sha256 *sum, SourceTotals *totals,
                     Error *error) {
  char block[DIGEST_BLOCK];
  uint64_t left = limit - totals->bytes;
  size_t want = left < sizeof block ? (size_t)left : sizeof block;
  ptrdiff_t got = want > 0 ? input->read(input, block, want, error) : 0;
  if (got <= 0)
    return got < 0 ? -1 : 0;
  sha256_add(sum, block, (size_t)got);
  totals->bytes += (uint64_t)got;
  return 1;
}

bool input_digest(Input *input, uint64_t limit, SourceTotals *totals, Error *error) {
  *totals = (SourceTotals){0};
  Sha256 sum;
  sha256_begin(&sum);
  int state = 1;
  while (state > 0)
    state = add_block(input, limit, &sum, totals, error);
  sha256_finish(&sum, totals->sha256);
  return state == 0;
}
