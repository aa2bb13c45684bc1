// Which dialect a sample of a file is in: every candidate is tried on it, and scored.
//
// The score is how consistent the records are (fields per record) times how much the cells look
// like cells, after: van den Burg, Nazabal, Sutton, "Wrangling messy CSV files by detecting row and
// type patterns" (2019). What is different here: cells are also held against the others of their
// column, and lines above and below the table are told from it. In full:
//
//   prior^few * inside^2 * cells^1.5 * width * unbroken * consumed
//
//   prior     how usual the delimiter and the quote are; it counts more in one or two records
//   inside    share of all records that are in the table and of its width
//   cells     mean over the columns: what the cells look like (0.7), and that they are alike (0.3)
//   width     against few columns: a sign that stands in every line by chance makes two
//   unbroken  1, to a half where every record has a quote where none may be
//   consumed  share of the sample that was read: less where a quote stays open
//
// and half of it where the table has no first record of its width. One column is the best reading
// only of lone values, or of a file that no usual delimiter parts in most of its lines.
#ifndef PGHOST_SNIFF_BEST_DIALECT_H
#define PGHOST_SNIFF_BEST_DIALECT_H

#include "sniff/tokens.h"

enum { SNIFF_GUESSES = 6, SNIFF_SAMPLE_BYTES = 64 * 1024, SNIFF_SAMPLE_RECORDS = 1000 };

// UTF-8, from the start of the file, without its byte order mark.
typedef struct SniffSample {
  const char *bytes;
  size_t len;
  bool whole; // all of the file
} SniffSample;

typedef struct SniffGuess {
  SniffDialect dialect;
  double score;       // 0 to 1
  double prior;       // how usual the dialect is; part of the score
  double consistency; // share of the records that have `columns` fields
  double cells;       // how much the cells look like cells, 0 to 1
  bool lone_data;     // one column, of numbers, dates and the like
  size_t columns;
  size_t records; // of the table, header included, in the sample
  size_t
      first; // record of the sample that the table starts with, comments and blank lines left out
  size_t quoted;  // fields in quotes
  size_t wrapped; // of these, with something in them
  size_t doubled; // fields in quotes that hold quotes
  size_t broken;  // records with a stray quote
} SniffGuess;

typedef struct SniffGuesses {
  SniffGuess list[SNIFF_GUESSES]; // the best first; each another delimiter, quote or escape
  size_t count;
} SniffGuesses;

// What is known beforehand. NULL: to be found.
typedef struct SniffGiven {
  const char *delimiter;
  const char *quote;   // "": none
  const char *escape;  // the same; at most one character
  const char *comment; // at most SNIFF_COMMENT_SIZE bytes
  size_t skip;         // physical lines above the sample, which does not have them
  bool has_header, has_footer, has_skip_blanks;
  size_t header; // records
  size_t footer; // physical lines
  bool skip_blanks;
  bool blanks_after_quote;
  bool trailing_delimiter;
  bool text_format; // COPY's: tabs and backslashes, unless a delimiter is given
} SniffGiven;

// What comment lines begin with.
enum { SNIFF_COMMENTS = 6 };
extern const char *const sniff_comments[SNIFF_COMMENTS];

// False: no memory. An empty sample gives no guess. Where what is given fits nothing, it is left
// out of account.
bool sniff_dialect(const SniffSample *sample, const SniffGiven *given, SniffGuesses *guesses);

// The score of one dialect; false: no memory. `guess->dialect` is set by the caller.
bool sniff_score(const SniffSample *sample, double prior, SniffGuess *guess);

typedef bool SniffVisit(void *context, size_t index, const SniffRecord *record, bool apart);

// Calls `visit` for each record of the sample that is neither blank nor a comment, and tells it
// whether a blank line is above, until it gives false. Returns the bytes consumed.
size_t sniff_each_record(const SniffSample *sample, const SniffDialect *dialect, SniffVisit *visit,
                         void *context, bool *failed);

// Whether no record of the sample has more than one field, or a quote where none may be.
bool sniff_parts_nothing(const SniffSample *sample, const SniffDialect *dialect);

// Whether lines of the sample end in CR alone.
bool sniff_ends_in_cr(const SniffSample *sample);

#endif
