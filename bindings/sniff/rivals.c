// Compares readings of a sample with each other.
#define _GNU_SOURCE // memmem
#include "sniff/rivals.h"

#include "sniff/cell.h"

#define MOST_PARTED 0.6 // of the lines
#define ALL_PARTED 0.99

static void take_out(SniffGuesses *guesses, size_t at) {
  guesses->count--;
  memmove(&guesses->list[at], &guesses->list[at + 1],
          (guesses->count - at) * sizeof guesses->list[0]);
}

static void put_first(SniffGuesses *guesses, const SniffGuess *guess) {
  guesses->count += guesses->count < SNIFF_GUESSES;
  memmove(&guesses->list[1], &guesses->list[0], (guesses->count - 1) * sizeof *guess);
  guesses->list[0] = *guess;
}

typedef struct Share {
  size_t records;
  size_t parted; // with more than one field
} Share;

static bool note_parted(void *context, size_t index, const SniffRecord *record, bool apart) {
  Share *share = context;
  (void)index, (void)apart;
  share->records++;
  share->parted += record->count > 1;
  return true;
}

// The share of the records that a delimiter splits: 0 to 1.
static bool share_parted(const SniffSample *sample, const SniffDialect *dialect, double *parted) {
  Share share = {0};
  bool failed;
  sniff_each_record(sample, dialect, note_parted, &share, &failed);
  *parted = share.records ? (double)share.parted / (double)share.records : 0;
  return !failed;
}

// One column, whose values are not data, in a file that a usual delimiter parts in most of its
// lines: rather records of several widths. Then that is the best guess, with its own poor score.
static bool prefer_ragged(const SniffSample *sample, SniffGuesses *guesses) {
  SniffGuess found = {0};
  double most = 0.5, parted;
  const SniffGuess *best = &guesses->list[0];
  if (guesses->count == 0 || best->dialect.delimiter_len > 0 || best->lone_data)
    return true;
  for (const char *sign = ",;\t|"; *sign; sign++) {
    SniffGuess ragged = {.dialect = best->dialect};
    ragged.dialect.delimiter[0] = *sign;
    ragged.dialect.delimiter_len = 1;
    ragged.dialect.quote = '"';
    if (!share_parted(sample, &ragged.dialect, &parted) || !sniff_score(sample, 1, &ragged))
      return false;
    if (parted > most && ragged.score > 0) {
      most = parted;
      found = ragged;
    }
  }
  if (found.columns == 0)
    return true;
  put_first(guesses, &found);
  return true;
}

// Lines at blanks, below the first.
typedef struct Words {
  bool name; // the first line is one word
  bool lone; // another one is, too
  size_t records;
  size_t cells;
  size_t data;
} Words;

static bool note_words(void *context, size_t index, const SniffRecord *record, bool apart) {
  Words *words = context;
  (void)apart;
  if (index == 0) {
    const SniffField *first = record->fields;
    words->name = record->count == 1 && sniff_cell(first->text, first->len) == CELL_WORD;
    return words->name;
  }
  words->lone |= record->count < 2;
  words->records++;
  words->cells += record->count;
  for (size_t i = 0; i < record->count; i++)
    words->data += sniff_cell_is_data(sniff_cell(record->fields[i].text, record->fields[i].len));
  return !words->lone;
}

// Takes out readings by a blank where the first line is one word and all others are more, of which
// few are data: the name of one column over values such as "Anna Koch" and "EUR 13.50".
static bool forget_blanks(const SniffSample *sample, SniffGuesses *guesses) {
  Words words = {0};
  SniffDialect blank = {.delimiter = " ", .delimiter_len = 1, .quote = '"'};
  bool failed;
  blank.carriage_return = sniff_ends_in_cr(sample);
  sniff_each_record(sample, &blank, note_words, &words, &failed);
  size_t kept = 0;
  bool values = words.name && !words.lone && words.records > 1 && words.data * 2 <= words.cells;
  for (size_t i = 0; i < guesses->count; i++)
    if (!values || strcmp(guesses->list[i].dialect.delimiter, " ") != 0)
      guesses->list[kept++] = guesses->list[i];
  guesses->count = kept > 0 ? kept : guesses->count;
  return !failed;
}

// Apostrophes and quotes

static bool same_but_quotes(const SniffDialect *a, const SniffDialect *b) {
  return strcmp(a->delimiter, b->delimiter) == 0 && a->escape == b->escape &&
         strcmp(a->comment, b->comment) == 0;
}

// Where quotes stand in pairs around whole fields, and more of them than apostrophes, those are no
// quotes: '' for no value.
static void forget_apostrophes(SniffGuesses *guesses) {
  for (size_t i = 0; i < guesses->count; i++) {
    const SniffGuess quotes = guesses->list[i];
    if (quotes.dialect.quote != '"' || quotes.wrapped == 0 || quotes.broken > 0)
      continue;
    for (size_t j = guesses->count; j-- > 0;) {
      const SniffGuess *other = &guesses->list[j];
      if (other->dialect.quote == '\'' && other->columns == quotes.columns &&
          other->wrapped < quotes.wrapped && same_but_quotes(&other->dialect, &quotes.dialect))
        take_out(guesses, j);
    }
    return;
  }
}

// Lists in fields

// Whether the first and the last field of the records, and some or all between, hold a sign.
typedef struct Ends {
  const char *sign;
  size_t records;
  bool both; // in each record
  bool none; // in no record
  bool led;  // a field begins with a blank, as after a comma in a sentence
} Ends;

static bool holds(const SniffField *field, const char *sign) {
  return field->len >= strlen(sign) && memmem(field->text, field->len, sign, strlen(sign));
}

static bool note_ends(void *context, size_t index, const SniffRecord *record, bool apart) {
  Ends *ends = context;
  (void)index, (void)apart;
  bool first = record->count > 2 && holds(record->fields, ends->sign);
  bool last = record->count > 2 && holds(&record->fields[record->count - 1], ends->sign);
  ends->records++;
  for (size_t i = 1; i < record->count; i++)
    ends->led |= record->fields[i].len > 0 && *record->fields[i].text == ' ';
  ends->both &= first && last;
  ends->none &= record->count > 2 && !first && !last;
  return true;
}

static bool look_at_ends(const SniffSample *sample, const SniffDialect *dialect, const char *sign,
                         Ends *ends) {
  bool failed;
  *ends = (Ends){.sign = sign, .both = true, .none = true};
  sniff_each_record(sample, dialect, note_ends, ends, &failed);
  return !failed;
}

// "1,a,x|y|z,b": the pipes part a list within the record if its first and last field by pipes hold
// commas, and none of those by commas holds pipes. In one record or two, where lists are longer
// than records.
static bool is_within(const SniffSample *sample, const SniffGuess *inner, const SniffGuess *outer,
                      bool *within) {
  Ends by_inner, by_outer;
  if (!look_at_ends(sample, &inner->dialect, outer->dialect.delimiter, &by_inner) ||
      !look_at_ends(sample, &outer->dialect, inner->dialect.delimiter, &by_outer))
    return false;
  *within = by_inner.records > 0 && by_inner.both && by_outer.none && !by_outer.led &&
            outer->columns < inner->columns;
  return true;
}

static bool prefer_outer(const SniffSample *sample, SniffGuesses *guesses) {
  const SniffGuess best = guesses->list[0];
  if (guesses->count == 0 || best.records > 2 || best.dialect.delimiter_len == 0)
    return true;
  for (size_t i = 1; i < guesses->count; i++) {
    const SniffGuess other = guesses->list[i];
    const char *sign = other.dialect.delimiter;
    bool usual = *sign && !sign[1] && strchr(",;\t", *sign), within = false;
    if (!usual || strcmp(sign, best.dialect.delimiter) == 0)
      continue;
    if (!is_within(sample, &best, &other, &within))
      return false;
    if (!within)
      continue;
    take_out(guesses, i);
    guesses->list[0] = other;
    return true;
  }
  return true;
}

// Units, and what is in values

// Whether the second of two columns is the same throughout: "8°C", parted at the degree.
typedef struct Unit {
  char first[SNIFF_DELIMITER_SIZE];
  size_t len;
  size_t records;
  bool same;
} Unit;

static bool note_unit(void *context, size_t index, const SniffRecord *record, bool apart) {
  Unit *unit = context;
  (void)index, (void)apart;
  if (record->count != 2)
    return true;
  const SniffField *field = &record->fields[1];
  bool fits = field->len > 0 && field->len <= sizeof unit->first;
  if (unit->records++ == 0 && fits) {
    memcpy(unit->first, field->text, field->len);
    unit->len = field->len;
  }
  unit->same &=
      fits && field->len == unit->len && memcmp(unit->first, field->text, field->len) == 0;
  return unit->same;
}

static bool is_usual(const SniffDialect *dialect) {
  const char *sign = dialect->delimiter;
  return *sign && !sign[1] && strchr(",;\t|", *sign);
}

// Takes out readings by an unusual sign of two columns, of which the second is a unit.
static bool forget_units(const SniffSample *sample, SniffGuesses *guesses) {
  for (size_t i = guesses->count; i-- > 0;) {
    const SniffGuess *guess = &guesses->list[i];
    Unit unit = {.same = true};
    bool failed;
    if (guess->columns != 2 || is_usual(&guess->dialect) || guess->dialect.delimiter_len == 0 ||
        *guess->dialect.delimiter == ' ')
      continue;
    sniff_each_record(sample, &guess->dialect, note_unit, &unit, &failed);
    if (failed)
      return false;
    if (unit.records > 2 && unit.same && guesses->count > 1)
      take_out(guesses, i);
  }
  return true;
}

static bool note_first(void *context, size_t index, const SniffRecord *record, bool apart) {
  (void)index, (void)apart;
  *(size_t *)context = record->count;
  return false;
}

// Whether a usual sign is rather the delimiter than that of the best reading. A colon or a blank,
// as in "16:27", that leaves out lines above: if the usual sign parts those, too, and most others.
// A comma: if another sign parts every line alike, be it the one above, "-5,03 EUR|473,77" below
// "city|country", or all of them.
static bool is_rather(const SniffGuess *best, const SniffGuess *usual, double parted,
                      size_t above) {
  bool every = parted >= ALL_PARTED && usual->consistency >= ALL_PARTED && usual->first == 0;
  if (usual->columns < 2 || above < usual->columns)
    return false;
  if (!is_usual(&best->dialect))
    return best->first > 0 && parted >= MOST_PARTED && usual->columns >= best->columns;
  bool decimals = *best->dialect.delimiter == ',' && best->quoted == 0 && best->records > 2;
  return every && (best->first > 0 || (decimals && usual->cells + 0.1 >= best->cells));
}

// Prefers that one, with its own poor score.
static bool prefer_usual(const SniffSample *sample, SniffGuesses *guesses) {
  const SniffGuess *best = &guesses->list[0];
  if (guesses->count == 0 || best->dialect.delimiter_len != 1)
    return true;
  for (const char *sign = ";\t|,"; *sign; sign++) {
    SniffGuess usual = {.dialect = best->dialect};
    double parted;
    size_t above = 0;
    bool failed;
    if (*sign == *best->dialect.delimiter)
      continue;
    usual.dialect.delimiter[0] = *sign;
    usual.dialect.quote = best->dialect.quote ? best->dialect.quote : '"';
    if (!share_parted(sample, &usual.dialect, &parted) || !sniff_score(sample, 1, &usual))
      return false;
    sniff_each_record(sample, &usual.dialect, note_first, &above, &failed);
    if (failed)
      return false;
    if (!is_rather(best, &usual, parted, above))
      continue;
    put_first(guesses, &usual);
    return true;
  }
  return true;
}

bool sniff_settle(const SniffSample *sample, const SniffGiven *given, SniffGuesses *guesses) {
  if (given->text_format)
    return true;
  if (!given->quote)
    forget_apostrophes(guesses);
  if (given->delimiter)
    return true;
  return forget_blanks(sample, guesses) && forget_units(sample, guesses) &&
         prefer_outer(sample, guesses) && prefer_usual(sample, guesses) &&
         (given->quote || prefer_ragged(sample, guesses));
}
