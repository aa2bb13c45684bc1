// Detects which non-Unicode encoding a text is in, by the language that the text reads as.
//
// Each encoding in common use is tried with each language written in it. If another encoding is as
// likely and would give a different text, the result is undecided.
#ifndef PGHOST_CSV_LEGACY_H
#define PGHOST_CSV_LEGACY_H

#include <stdbool.h>
#include <stddef.h>

typedef struct LegacyGuess {
  const char *name;     // as iconv knows it; NULL: none of those tried
  const char *rival;    // the closest encoding that gives another text; NULL: none
  const char *language; // of the best: "de"
  double
      margin; // how much likelier the best is, as a share of what is enough: from 1 on it is sure
  bool wide;  // its characters have several bytes
  double strangeness; // how rare its letters are on average, as a natural logarithm: 4 is usual, 8
                      // is not text
} LegacyGuess;

// `whole`: the last character is complete. False: out of memory.
bool legacy_guess(const char *bytes, size_t len, bool whole, LegacyGuess *out);

#endif
