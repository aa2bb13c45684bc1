// Sniffer: whatever a file holds, what is said of it is of it. The counts of a whole file are the
// same however small the pieces are that the input gives, and a record's fields lie inside of it.
//
// Two bytes choose the size of the pieces and a sample, the rest is the file.
#include "fuzz.h"
#include "sniff/sniff.h"

typedef struct Pieces {
  Input input;
  const char *at;
  size_t left;
  size_t step;
} Pieces;

static ptrdiff_t give(Input *input, char *out, size_t size, Error *error) {
  (void)error;
  Pieces *pieces = (Pieces *)input;
  size_t got = pieces->step < pieces->left ? pieces->step : pieces->left;
  got = got < size ? got : size;
  memcpy(out, pieces->at, got);
  pieces->at += got;
  pieces->left -= got;
  return (ptrdiff_t)got;
}

static void forget(Input *input) {
  (void)input;
}

static bool sniff(const char *bytes, size_t len, size_t step, uint64_t sample, Sniff *found) {
  Pieces pieces = {{give, forget}, bytes, len, step};
  SniffOptions options = {.sample = sample};
  Error error = {.code = ""};
  bool good = sniff_input(&pieces.input, &options, found, &error);
  fuzz_check(good || error.code[0], "a failure without a code");
  return good;
}

static void check_columns(const Sniff *found) {
  const SniffGuess *guess = &found->guesses.list[0];
  uint64_t others = found->few.count + found->many.count + found->unterminated.count;
  fuzz_check(found->columns.count == guess->columns, "columns that are not those of the dialect");
  fuzz_check(others <= found->records, "more records of another width than records");
  for (size_t i = 0; i < found->columns.count; i++) {
    const SniffColumn *column = &found->columns.list[i];
    uint64_t cells = column->values + column->blank + column->empty + column->quoted_empty;
    for (size_t word = 0; word < SNIFF_NULL_WORDS; word++)
      cells += column->null_words[word];
    fuzz_check(cells == found->records - others, "cells that nobody counted");
    fuzz_check(column->example_count <= SNIFF_EXAMPLES, "too many examples");
    for (size_t kind = 0; kind < SNIFF_KINDS; kind++)
      fuzz_check(column->fails[kind] <= column->values, "more failures than values");
  }
}

static void check_guesses(const Sniff *found) {
  for (size_t i = 0; i < found->guesses.count; i++) {
    const SniffGuess *guess = &found->guesses.list[i];
    fuzz_check(guess->score >= 0 && guess->score <= 1.1, "a score out of range");
    fuzz_check(guess->columns > 0 && guess->dialect.delimiter_len <= SNIFF_DELIMITER_SIZE,
               "a dialect that is none");
  }
}

static void check_same(const Sniff *a, const Sniff *b) {
  fuzz_check(a->records == b->records && a->bytes == b->bytes && a->footer == b->footer &&
                 a->invalid == b->invalid && a->zeros == b->zeros && a->few.count == b->few.count &&
                 a->many.count == b->many.count,
             "other counts when the input comes in pieces");
  fuzz_check(a->columns.count == b->columns.count && a->structure.header == b->structure.header &&
                 a->structure.preamble == b->structure.preamble,
             "another structure when the input comes in pieces");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  FuzzInput input = {data, size};
  size_t step = fuzz_byte(&input) % 32 + 1u;
  uint64_t sample = fuzz_byte(&input);
  char *copy = fuzz_copy(input.at, input.left);
  Sniff whole, pieces, part;
  bool good = sniff(copy, input.left, SIZE_MAX / 4, 0, &whole);
  bool also = sniff(copy, input.left, step, 0, &pieces);
  fuzz_check(good == also, "a failure only when the input comes in pieces");
  if (good) {
    check_guesses(&whole);
    check_columns(&whole);
    check_same(&whole, &pieces);
  }
  if (sample && sniff(copy, input.left, step, sample, &part))
    check_columns(&part);
  if (sample)
    sniff_free(&part);
  sniff_free(&whole);
  sniff_free(&pieces);
  free(copy);
  return 0;
}
