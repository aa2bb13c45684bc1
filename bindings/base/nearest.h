// The word that a misspelled one probably meant.
#ifndef PGHOST_BASE_NEAREST_H
#define PGHOST_BASE_NEAREST_H

#include <stddef.h>

// The closest of `words` to `word`, by the number of edits (a character removed, added or replaced,
// or two swapped); NULL when none is close enough.
const char *nearest_word(const char *word, const char *const *words, size_t count);

#endif
