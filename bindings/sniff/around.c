// What is around the records of a table: each part has a file that detects it.
#include "sniff/around.h"

#include <math.h>

#include "sniff/aligned.h"
#include "sniff/loose_quotes.h"
#include "sniff/names.h"
#include "sniff/titles.h"

enum { MOST_TITLES = 10 };

// Whether what is below titles is a header to be sure of, since a record with a name alone may
// be data; below one with data in it, names above columns of data.
static bool is_sure_below(const SniffTitles *titles, const SniffStructure *structure) {
  if (titles->sparse)
    return structure->header_words > 3 && structure->header_values == 0 &&
           structure->header_distinct && structure->header > 0;
  return titles->blank == titles->count ||
         (structure->header > 0 && structure->header_confidence >= 0.75);
}

// The header; below titles where there are such.
static bool find_table(const SniffSample *sample, SniffGuess *guess, SniffStructure *structure) {
  SniffTitles titles = {0};
  if (guess->columns > 1 && !sniff_count_titles(sample, guess, &titles))
    return false;
  SniffStructure plain = *structure;
  SniffGuess below = *guess;
  if (titles.count > 0 && titles.count <= MOST_TITLES && titles.count + 2 <= guess->records) {
    below.first += titles.count;
    below.records -= titles.count;
    if (!sniff_find_names(sample, &below, structure))
      return false;
    if (is_sure_below(&titles, structure)) {
      *guess = below;
      return true;
    }
    *structure = plain;
  }
  if (!sniff_find_names(sample, guess, structure))
    return false;
  // A record with one non-empty cell, above records with more, may still be a title.
  structure->title = titles.count > titles.blank && !titles.sparse;
  if (structure->title)
    structure->header_confidence = fmin(structure->header_confidence, 0.5);
  return true;
}

// What is given of the header, and lines above the sample. With lines above the table what is given
// is held against what is found by the caller.
static void take_given(const SniffGiven *given, SniffStructure *structure) {
  if (given->has_header && structure->preamble == 0) {
    structure->header = given->header;
    structure->header_confidence = 1;
  }
  structure->preamble += given->skip;
  structure->above_line += structure->above ? given->skip : 0;
}

bool sniff_structure(const SniffSample *sample, const SniffGiven *given, SniffGuess *guess,
                     SniffStructure *structure) {
  *structure = (SniffStructure){0};
  if (!sniff_comments_find(sample, given->comment, guess, &structure->comments) ||
      !find_table(sample, guess, structure))
    return false;
  if (guess->first == 0 && guess->columns > 1 && !guess->dialect.comment[0])
    structure->preamble = 0; // blank lines alone are skipped anyway
  if (guess->first == 0 && guess->dialect.comment[0])
    structure->preamble = 0;
  take_given(given, structure);
  bool blanks = guess->columns == 1 || strcmp(guess->dialect.delimiter, " ") == 0;
  structure->aligned = blanks && guess->quoted == 0 && sniff_is_aligned(sample);
  return guess->dialect.quote || guess->dialect.text_format ||
         sniff_find_loose_quotes(sample, &guess->dialect, structure);
}
