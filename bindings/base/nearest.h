// The word that somebody may have meant.
#ifndef PGHOST_BASE_NEAREST_H
#define PGHOST_BASE_NEAREST_H

// The one of `known` (NULL after the last) that takes the fewest changes of letters to become
// `word`; NULL when none is near.
const char *nearest_of(const char *word, const char *const *known);

#endif
