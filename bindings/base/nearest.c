// Nearest words, by the number of letters inserted, dropped, changed or swapped with the next.
#include "base/nearest.h"

#include <string.h>

enum { LONGEST = 40 };

static unsigned least(unsigned a, unsigned b) {
  return a < b ? a : b;
}

// Optimal string alignment distance (Damerau 1964); both are at most LONGEST long.
static unsigned distance(const char *a, const char *b) {
  unsigned rows[3][LONGEST + 1];
  size_t a_len = strlen(a), b_len = strlen(b);
  for (size_t k = 0; k <= b_len; k++)
    rows[0][k] = (unsigned)k;
  for (size_t i = 1; i <= a_len; i++) {
    unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *swapped = rows[(i + 1) % 3];
    row[0] = (unsigned)i;
    for (size_t k = 1; k <= b_len; k++) {
      row[k] = least(above[k - 1] + (a[i - 1] != b[k - 1]), least(above[k], row[k - 1]) + 1);
      if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
        row[k] = least(row[k], swapped[k - 2] + 1);
    }
  }
  return rows[a_len % 3][b_len];
}

const char *nearest_of(const char *word, const char *const *known) {
  const char *nearest = NULL;
  size_t len = strlen(word);
  unsigned best = (unsigned)(len < 4 ? 1 : len < 8 ? 2 : 3) + 1;
  for (; len <= LONGEST && *known; known++) {
    unsigned changes = strlen(*known) <= LONGEST ? distance(word, *known) : best;
    if (changes < best) {
      nearest = *known;
      best = changes;
    }
  }
  return nearest;
}
