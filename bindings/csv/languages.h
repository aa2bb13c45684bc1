// How often letters and pairs of letters occur in languages: this distinguishes one 8-bit encoding
// from another.
//
// Each string is a sequence of marks and their entries: a mark 'A' to 'M' gives the rarity of the
// entries that follow, as 'A' + the natural logarithm. Entries are letters or pairs of letters, in
// lower case; a blank stands for any non-letter.
#ifndef PGHOST_CSV_LANGUAGES_H
#define PGHOST_CSV_LANGUAGES_H

enum { SNIFF_LANGUAGES = 41 };

typedef struct LegacyLanguage {
  const char *name;    // as in locale names: "de", "zh_TW"
  const char *letters; // those beyond ASCII
  const char
      *pairs; // with a letter beyond ASCII; NULL where letters suffice: Chinese, Japanese, Korean
} LegacyLanguage;

extern const LegacyLanguage legacy_languages[SNIFF_LANGUAGES];

#endif
