// Which of the encodings that are not Unicode a text is in, told by the language that it makes the
// text.
//
// Each encoding that people use is tried with each language that is written in it; a text that is
// as likely in another encoding, and would be another text there, is not told.
#ifndef PGHOST_CSV_LEGACY_H
#define PGHOST_CSV_LEGACY_H

#include <stdbool.h>
#include <stddef.h>

typedef struct LegacyGuess {
  const char *name;     // as iconv knows it; NULL: it is none of those that are tried
  const char *rival;    // that of another text with the least margin; NULL: none
  const char *language; // of the best: "de"
  double
      margin; // how much likelier the best is, as a share of what is enough: from 1 on it is sure
  bool wide;  // its characters are of several bytes
  double strangeness; // how rare its letters are on average, as a natural logarithm: 4 is usual, 8
                      // is not text
} LegacyGuess;

// `whole`: the last character is not cut off. False: no memory.
bool legacy_guess(const char *bytes, size_t len, bool whole, LegacyGuess *out);

#endif
