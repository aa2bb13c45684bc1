// What one cell looks like: a number, a date, a word, or something that no column would hold.
//
// A quick look, to tell dialects apart and headers from data. Whether a value loads as a type is
// decided by the type's own parser (columns.h).
#ifndef PGHOST_SNIFF_CELL_H
#define PGHOST_SNIFF_CELL_H

#include <stdbool.h>
#include <stddef.h>

typedef enum SniffCell {
  CELL_EMPTY,
  CELL_NULL,    // a word for no value: NULL, N/A
  CELL_NUMBER,  // digits with a sign, point, comma, exponent, % or currency sign
  CELL_MOMENT,  // a date, a time, or both
  CELL_BOOLEAN, // true, no
  CELL_CODE,    // an address of the web or of mail, a UUID, JSON
  CELL_WORD,    // letters, digits and what stands inside of names
  CELL_TEXT,    // words with blanks and punctuation as sentences have it
  CELL_DIRTY,   // anything else: probably not one cell
  CELL_KINDS,
} SniffCell;

SniffCell sniff_cell(const char *text, size_t len);

// How strongly such a cell supports the dialect that produced it, 0 to 1.
double sniff_cell_weight(SniffCell cell);

// Whether the kind is one that a header's cells are not of.
static inline bool sniff_cell_is_data(SniffCell cell) {
  return cell >= CELL_NUMBER && cell <= CELL_CODE;
}

// The index in sniff_null_words of the text as a word for "no value"; -1 if it is none.
int sniff_null_word(const char *text, size_t len);

enum { SNIFF_NULL_WORDS = 17 };
extern const char *const sniff_null_words[SNIFF_NULL_WORDS];

#endif
