// Distances between words: Damerau and Levenshtein, for swaps of neighbours.
#include "base/nearest.h"

#include <string.h>

enum { LONGEST = 32 };

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

static size_t distance(const char *a, const char *b) {
  size_t cost[LONGEST + 1][LONGEST + 1];
  size_t rows = strlen(a), columns = strlen(b);
  for (size_t i = 0; i <= rows; i++)
    for (size_t j = 0; j <= columns; j++) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      size_t change = cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
      cost[i][j] = least(change, least(cost[i - 1][j], cost[i][j - 1]) + 1);
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        cost[i][j] = least(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  return cost[rows][columns];
}

const char *nearest_word(const char *word, const char *const *words, size_t count) {
  size_t length = strlen(word + strspn(word, "-"));
  size_t best = (length + 2) / 3 + 1; // further away is another word
  const char *nearest = NULL;
  if (length < 2 || strlen(word) > LONGEST)
    return NULL;
  for (size_t i = 0; i < count; i++) {
    size_t away = strlen(words[i]) <= LONGEST ? distance(word, words[i]) : best;
    if (away < best) {
      best = away;
      nearest = words[i];
    }
  }
  return nearest;
}
