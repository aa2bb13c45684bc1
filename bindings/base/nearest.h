// The word that somebody may have meant.
#ifndef PGHOST_BASE_NEAREST_H
#define PGHOST_BASE_NEAREST_H

#include <stddef.h>

// The one of `words` that takes the fewest changes (a character left out, added, replaced, or two
// swapped) to become `word`; NULL when all are too far away.
const char *nearest_word(const char *word, const char *const *words, size_t count);

#endif
