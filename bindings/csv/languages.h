// How often letters and pairs of letters come in languages: what tells one 8-bit encoding from
// another.
//
// A text is read as marks and what belongs to them: a mark 'A' to 'M' says how rare what follows
// is, 'A' + the natural logarithm. After it come letters, or pairs of letters, in lower case; a
// blank is whatever is not a letter.
#ifndef PGHOST_CSV_LANGUAGES_H
#define PGHOST_CSV_LANGUAGES_H

enum { SNIFF_LANGUAGES = 41 };

typedef struct LegacyLanguage {
  const char *name;    // as locales have it: "de", "zh_TW"
  const char *letters; // those beyond ASCII
  const char *
      pairs; // with a letter beyond ASCII; NULL where letters say enough: Chinese, Japanese, Korean
} LegacyLanguage;

extern const LegacyLanguage legacy_languages[SNIFF_LANGUAGES];

#endif
