// What the fuzz targets share: inputs taken apart, checks that stop the run.
//
// A target is one file, x_fuzz.c, with LLVMFuzzerTestOneInput
// (https://llvm.org/docs/LibFuzzer.html). The first bytes of an input choose what is done, the rest
// is the text it is done to.
#ifndef PGHOST_SPEC_FUZZ_H
#define PGHOST_SPEC_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Stops the fuzzer, which then keeps the input.
static inline void fuzz_check(int holds, const char *message) {
  if (holds)
    return;
  fprintf(stderr, "check failed: %s\n", message);
  abort();
}

// What is left of an input.
typedef struct FuzzInput {
  const uint8_t *at;
  size_t left;
} FuzzInput;

// The next byte; 0 at the end.
static inline uint8_t fuzz_byte(FuzzInput *input) {
  if (input->left == 0)
    return 0;
  input->left--;
  return *input->at++;
}

// A copy in memory of just that size, so that the sanitizer sees a read beyond; to be freed.
static inline char *fuzz_copy(const void *bytes, size_t len) {
  char *copy = malloc(len ? len : 1);
  if (!copy)
    abort();
  if (len)
    memcpy(copy, bytes, len);
  return copy;
}

#endif
