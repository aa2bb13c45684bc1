// Which dialect a sample of a file is in.
#include "sniff/best_dialect.h"

#include <math.h>
#include <stdlib.h>

#include "sniff/candidates.h"
#include "sniff/cell.h"

enum { MOST_WIDTH = 4096, MOST_PREAMBLE = 200, MOST_FOOTER = 5, MOST_ABOVE = 20 };

// The records of the sample in one dialect, without comments and blank lines.
typedef struct Records {
  size_t *widths; // SNIFF_SAMPLE_RECORDS of them
  bool *broken;
  bool *apart; // a blank line is above it, or a record of one field
  size_t count;
  double consumed; // share of the sample
} Records;

const char *const sniff_comments[SNIFF_COMMENTS] = {"#", "//", "--", "%", "!", ";"};

typedef struct Column {
  size_t kinds[CELL_KINDS];
  size_t quoted;
  double weight;
} Column;

bool sniff_ends_in_cr(const SniffSample *sample) {
  return sample->len > 0 && !memchr(sample->bytes, '\n', sample->len) &&
         memchr(sample->bytes, '\r', sample->len);
}

// Whether the first line ends in CR CR LF.
static bool ends_in_two_crs(const SniffSample *sample) {
  const char *end = sample->len > 0 ? memchr(sample->bytes, '\n', sample->len) : NULL;
  return end && end - sample->bytes >= 2 && end[-1] == '\r' && end[-2] == '\r';
}

size_t sniff_each_record(const SniffSample *sample, const SniffDialect *dialect, SniffVisit *visit,
                         void *context, bool *failed) {
  SniffRecord record = {0};
  size_t at = 0, index = 0;
  bool apart = false;
  while (index < SNIFF_SAMPLE_RECORDS &&
         sniff_record_read(dialect, sample->bytes + at, sample->len - at, sample->whole, &record)) {
    at += record.length;
    apart |= record.blank;
    if (record.blank || record.comment)
      continue;
    if (!visit(context, index++, &record, apart))
      break;
    apart = false;
  }
  *failed = record.failed;
  bool full = index == SNIFF_SAMPLE_RECORDS;
  sniff_record_free(&record);
  return full ? sample->len : at;
}

static bool note_width(void *context, size_t index, const SniffRecord *record, bool apart) {
  Records *records = context;
  records->apart[index] = apart || (index > 0 && records->widths[index - 1] == 1);
  records->widths[index] = record->unterminated ? 0 : record->count;
  records->broken[index] = record->broken || record->unterminated;
  records->count = index + 1;
  return true;
}

// Records of a table that the file begins with, when it is another than the one of the usual width:
// of two tables the first is the table, and not what is skipped. 0: there is none, or it is too
// small to tell from notes.
static size_t first_table(const Records *records, size_t usual) {
  size_t width = records->count ? records->widths[0] : 0, run = 0, others = 0;
  while (run < records->count && records->widths[run] == width)
    run++;
  for (size_t i = run; i < records->count; i++)
    others += records->widths[i] == usual;
  return width > 2 && width != usual && run >= 5 && run * 3 >= others ? run : 0;
}

// The width most records have; one field counts half, since text above a table has it, too.
static size_t usual_width(const Records *records) {
  static const size_t none = 0;
  size_t best = none;
  double most = 0;
  for (size_t i = 0; i < records->count; i++) {
    size_t width = records->widths[i], count = 0;
    if (width == best || width == 0)
      continue;
    for (size_t j = 0; j < records->count; j++)
      count += records->widths[j] == width;
    double weight = (double)count * (width == 1 ? 0.5 : 1);
    if (weight > most || (weight >= most && width > best)) {
      most = weight;
      best = width;
    }
  }
  return best;
}

// Width of a table that the file ends with, below a few lines of a name and a value, as bank
// statements have them: "IBAN;DE02;", a blank line, and then much wider records to the end. 0:
// there is none.
static size_t last_table(const Records *records, size_t usual, bool whole) {
  size_t stop = records->count, first;
  if (!whole || stop == 0)
    return 0;
  size_t width = records->widths[stop - 1];
  for (first = stop - 1; first > 0 && records->widths[first - 1] == width; first--)
    ;
  bool table = width >= 5 && usual <= 3 && width >= 2 * usual && first > 0 && first <= MOST_ABOVE &&
               first + 2 <= stop && records->apart[first];
  for (size_t i = 0; i < first && table; i++)
    table = records->widths[i] < width;
  return table ? width : 0;
}

// The first record of the table: of the usual width, as at least two of the next three.
static size_t find_first(const Records *records, size_t width) {
  for (size_t i = 0; i < records->count && i < MOST_PREAMBLE; i++) {
    size_t same = 0, seen = 0;
    for (size_t j = i + 1; j < records->count && seen < 3; j++, seen++)
      same += records->widths[j] == width;
    if (records->widths[i] == width && same * 3 >= seen * 2)
      return i;
  }
  return 0;
}

// After the last record of the table, where the end of the file is in sight.
static size_t find_stop(const Records *records, size_t width, size_t first, bool whole) {
  size_t stop = records->count;
  while (whole && stop > first + 2 && records->count - stop < MOST_FOOTER &&
         records->widths[stop - 1] != width)
    stop--;
  return stop > first && records->widths[stop - 1] == width ? stop : records->count;
}

static bool is_one_field(void *context, size_t index, const SniffRecord *record, bool apart) {
  (void)index, (void)apart;
  return *(bool *)context = record->count <= 1 && !record->broken && !record->unterminated;
}

bool sniff_parts_nothing(const SniffSample *sample, const SniffDialect *dialect) {
  bool one = true, failed;
  sniff_each_record(sample, dialect, is_one_field, &one, &failed);
  return one && !failed;
}

typedef struct Cells {
  const Records *records;
  const SniffDialect *dialect;
  size_t first;
  size_t stop;
  size_t width;
  Column *columns;
  Buffer scratch;
  size_t quoted;
  size_t wrapped;
  size_t doubled;
} Cells;

static bool note_cells(void *context, size_t index, const SniffRecord *record, bool apart) {
  (void)apart;
  Cells *cells = context;
  if (index < cells->first || record->count != cells->width)
    return index < cells->stop;
  for (size_t i = 0; i < record->count; i++) {
    const SniffField *field = &record->fields[i];
    size_t len;
    const char *text = sniff_unescape(cells->dialect, field, &cells->scratch, &len);
    SniffCell kind = sniff_cell(text, len);
    double weight = sniff_cell_weight(kind);
    if (field->broken)
      weight = 0.1;
    else if (field->quoted && weight < 0.97)
      weight = 0.97;
    cells->quoted += field->quoted;
    cells->wrapped += field->quoted && field->len > 0;
    cells->doubled += field->quoted && field->escaped && !field->broken;
    cells->columns[i].kinds[kind]++;
    cells->columns[i].weight += kind == CELL_EMPTY && !field->quoted ? 0 : weight;
    cells->columns[i].quoted += field->quoted;
  }
  return true;
}

// How much a column looks like one: its cells, and that they are of one kind. Only the first record
// may differ. An empty column counts half.
static double column_score(const Column *column) {
  size_t empty = column->kinds[CELL_EMPTY], all = 0, most = 0, known = 0;
  for (size_t kind = 0; kind < CELL_KINDS; kind++)
    all += column->kinds[kind];
  size_t texts = column->kinds[CELL_WORD] + column->kinds[CELL_TEXT] + column->kinds[CELL_DIRTY];
  for (size_t kind = CELL_NUMBER; kind <= CELL_CODE; kind++) {
    known += column->kinds[kind];
    most = column->kinds[kind] > most ? column->kinds[kind] : most;
  }
  most = texts > most ? texts : most;
  known += texts;
  if (all == empty && column->quoted == 0)
    return 0.5;
  if (known == 0)
    return 0.8;
  size_t values = all - (column->quoted ? 0 : empty);
  double weight = column->weight / (double)(values ? values : 1);
  return 0.7 * (weight < 1 ? weight : 1) + 0.3 * (double)most / (double)known;
}

static double cells_score(const Cells *cells) {
  double sum = 0;
  for (size_t i = 0; i < cells->width; i++)
    sum += column_score(&cells->columns[i]);
  return sum / (double)cells->width;
}

// Whether every value of a lone column, but the first, is of a kind that data is; not where a
// header "day,count" would be of several cells.
static bool all_data(const Column *column) {
  size_t texts = column->kinds[CELL_WORD] + column->kinds[CELL_TEXT] + column->kinds[CELL_DIRTY];
  return texts <= 1 && column->kinds[CELL_DIRTY] == 0 &&
         column->kinds[CELL_NUMBER] + column->kinds[CELL_MOMENT] + column->kinds[CELL_CODE] +
                 column->kinds[CELL_BOOLEAN] >
             0;
}

static double width_factor(const Cells *cells) {
  if (cells->width > 1)
    return 1 - 0.4 / (double)(cells->width * cells->width);
  if (all_data(&cells->columns[0]))
    return 0.93;
  // A line of which much looks like several cells is hardly one.
  size_t all = 0;
  for (size_t kind = 0; kind < CELL_KINDS; kind++)
    all += cells->columns[0].kinds[kind];
  return cells->columns[0].kinds[CELL_DIRTY] * 2 > all ? 0.3 : 0.6;
}

// Whether the record above the table has the width of one in it: records of two kinds that take
// turns.
static bool comes_again(const Cells *cells) {
  const Records *records = cells->records;
  size_t width = cells->first > 0 ? records->widths[cells->first - 1] : 0;
  for (size_t i = cells->first; i < cells->stop && width > 1; i++)
    if (records->widths[i] == width)
      return true;
  return false;
}

static void finish(const Records *records, double prior, const Cells *cells, SniffGuess *guess) {
  size_t same = 0, broken = 0;
  for (size_t i = cells->first; i < cells->stop; i++) {
    same += records->widths[i] == cells->width;
    broken += records->broken[i];
  }
  double table = (double)(cells->stop - cells->first);
  double outside = (double)records->count - table;
  guess->prior = prior;
  guess->columns = cells->width;
  guess->first = cells->first;
  guess->records = cells->stop - cells->first;
  guess->quoted = cells->quoted;
  guess->wrapped = cells->wrapped;
  guess->doubled = cells->doubled;
  guess->broken = broken;
  guess->consistency = (double)same / table;
  guess->cells = cells_score(cells);
  guess->lone_data = cells->width == 1 && all_data(&cells->columns[0]);
  double inside = (double)same / (table + outside);
  double whole = 1 - (double)broken / table;
  double few = 1 + 5 / (table * table); // little speaks for one or two records but how usual it is
  guess->score = pow(prior, few) * inside * inside * pow(guess->cells, 1.5) * width_factor(cells) *
                 (0.5 + 0.5 * whole) * records->consumed;
  if (records->widths[cells->first] != cells->width || comes_again(cells))
    guess->score *= 0.5; // there is no place that the table begins at
}

static bool score_records(const SniffSample *sample, double prior, Records *records,
                          SniffGuess *guess) {
  bool failed;
  size_t used = sniff_each_record(sample, &guess->dialect, note_width, records, &failed);
  // A truncated sample lacks its last record; more missing than that counts against the dialect.
  records->consumed = sample->whole || sample->len - used < sample->len / 8
                          ? 1
                          : (double)used / (double)sample->len;
  size_t width = usual_width(records);
  size_t last = last_table(records, width, sample->whole);
  width = last ? last : width;
  guess->score = 0;
  if (failed || width == 0 || width > MOST_WIDTH ||
      (width == 1 && guess->dialect.delimiter_len > 0))
    return !failed;
  size_t above = first_table(records, width);
  width = above ? records->widths[0] : width;
  Cells cells = {.records = records, .dialect = &guess->dialect, .width = width, .stop = above};
  if (!above) {
    cells.first = find_first(records, width);
    cells.stop = find_stop(records, width, cells.first, sample->whole);
  }
  cells.columns = calloc(width, sizeof *cells.columns);
  if (!cells.columns)
    return false;
  sniff_each_record(sample, &guess->dialect, note_cells, &cells, &failed);
  finish(records, prior, &cells, guess);
  buffer_free(&cells.scratch);
  free(cells.columns);
  return !failed;
}

bool sniff_score(const SniffSample *sample, double prior, SniffGuess *guess) {
  Records records = {.widths = calloc(SNIFF_SAMPLE_RECORDS, sizeof(size_t)),
                     .broken = calloc(SNIFF_SAMPLE_RECORDS, sizeof(bool)),
                     .apart = calloc(SNIFF_SAMPLE_RECORDS, sizeof(bool))};
  bool good = records.widths && records.broken && records.apart &&
              score_records(sample, prior, &records, guess);
  free(records.widths);
  free(records.apart);
  free(records.broken);
  return good;
}

static void insert(SniffGuesses *guesses, const SniffGuess *guess) {
  size_t at = guesses->count;
  while (at > 0 && guesses->list[at - 1].score < guess->score)
    at--;
  if (at == SNIFF_GUESSES)
    return;
  size_t kept = guesses->count < SNIFF_GUESSES ? guesses->count : SNIFF_GUESSES - 1;
  memmove(&guesses->list[at + 1], &guesses->list[at], (kept - at) * sizeof *guess);
  guesses->list[at] = *guess;
  guesses->count = kept + 1;
}

static bool occurs(const SniffSample *sample, char first, const char *second) {
  const char *at = sample->bytes, *end = at + sample->len;
  size_t len = second ? strlen(second) : 0;
  while ((at = memchr(at, first, (size_t)(end - at)))) {
    at++;
    if (!second || ((size_t)(end - at) >= len && memcmp(at, second, len) == 0))
      return true;
  }
  return false;
}

// Whether blanks after the delimiter are not data: nearly every field has some, or they come before
// quotes, which would be data otherwise. What is inside of quotes says nothing.
typedef struct Blanks {
  size_t fields; // but the first of each record, and those with nothing in them
  size_t led;
  size_t quoted;
  size_t quoted_led;
  size_t quoted_records;
  size_t trailed_records; // with blanks after a closing quote
} Blanks;

static bool note_blanks(void *context, size_t index, const SniffRecord *record, bool apart) {
  Blanks *blanks = context;
  (void)index, (void)apart;
  bool trailed = false;
  for (size_t i = 0; i < record->count; i++)
    trailed |= record->fields[i].trailed;
  blanks->quoted_records += record->quoted;
  blanks->trailed_records += trailed;
  for (size_t i = 1; i < record->count; i++) {
    const SniffField *field = &record->fields[i];
    blanks->fields += field->len > 0 || field->quoted;
    blanks->led += field->led && (field->len > 0 || field->quoted);
    blanks->quoted += field->quoted;
    blanks->quoted_led += field->led && field->quoted;
  }
  return true;
}

static bool find_blanks(const SniffSample *sample, const SniffGiven *known, SniffDialect *dialect) {
  Blanks blanks = {0};
  bool failed;
  if (dialect->delimiter_len == 0 || *dialect->delimiter == ' ')
    return true;
  bool given = dialect->blanks_after_quote;
  dialect->skip_blanks = dialect->blanks_after_quote = true;
  sniff_each_record(sample, dialect, note_blanks, &blanks, &failed);
  dialect->blanks_after_quote = given || (blanks.trailed_records > 0 &&
                                          blanks.trailed_records * 10 >= blanks.quoted_records * 9);
  dialect->skip_blanks =
      known->has_skip_blanks
          ? known->skip_blanks
          : blanks.led > 0 &&
                (blanks.led * 10 >= blanks.fields * 9 ||
                 (blanks.quoted_led > 0 && blanks.quoted_led * 10 >= blanks.quoted * 9));
  return !failed;
}

// Where the sample has backslashes: before characters they would escape, or elsewhere.
typedef struct Backslashes {
  size_t specials; // before a quote, or, without one, a delimiter
  size_t doubled;
  size_t others;
} Backslashes;

static Backslashes count_backslashes(const SniffSample *sample, const SniffDialect *dialect) {
  Backslashes found = {0};
  const char *at = sample->bytes, *end = at + sample->len;
  while ((at = memchr(at, '\\', (size_t)(end - at))) && at + 1 < end) {
    char next = at[1];
    bool delimiter = dialect->delimiter_len > 0 && next == dialect->delimiter[0];
    if (dialect->quote ? next == dialect->quote : delimiter)
      found.specials++;
    else if (next == '\\')
      found.doubled++;
    else if (!delimiter)
      found.others++;
    at += 2;
  }
  return found;
}

// One delimiter and quote; the escape too where the sample has what it would be for.
static bool try_escapes(const SniffSample *sample, double prior, const SniffGiven *known,
                        SniffGuess guess, SniffGuesses *guesses) {
  bool given = known->quote || known->escape;
  guess.dialect.escape = known->escape ? *known->escape : 0;
  if (!sniff_score(sample, prior, &guess))
    return false;
  bool idle = guess.dialect.quote && guess.quoted == 0 && !given; // as without a quote
  if (guess.score > 0 && !idle)
    insert(guesses, &guess);
  if (known->escape)
    return true;
  Backslashes found = count_backslashes(sample, &guess.dialect);
  bool always = found.others == 0 && found.doubled > 0; // as a path would not have them
  if (found.specials == 0 && !always)
    return true;
  guess.dialect.escape = '\\';
  if (!sniff_score(sample, prior * (always ? 1.005 : 0.99), &guess))
    return false;
  if (guess.score > 0 && (guess.quoted > 0 || found.specials > 0 || !guess.dialect.quote))
    insert(guesses, &guess);
  return true;
}

static bool try_quotes(const SniffSample *sample, const SniffGiven *given,
                       const SniffDelimiter *delimiter, const char *comment,
                       SniffGuesses *guesses) {
  struct {
    char quote;
    double prior;
  } quotes[] = {{0, 0.97}, {'"', 1}, {'\'', 0.97}};
  size_t count = sizeof quotes / sizeof *quotes;
  if (given->quote) {
    count = 1;
    quotes[0].quote = *given->quote;
    quotes[0].prior = 1;
  }
  for (size_t i = 0; i < count; i++) {
    SniffGuess guess = {0};
    if (quotes[i].quote && !given->quote && !occurs(sample, quotes[i].quote, NULL))
      continue;
    strcpy(guess.dialect.delimiter, delimiter->text);
    guess.dialect.delimiter_len = (uint8_t)strlen(delimiter->text);
    strcpy(guess.dialect.comment, comment);
    guess.dialect.quote = quotes[i].quote;
    guess.dialect.carriage_return = sniff_ends_in_cr(sample);
    guess.dialect.double_return = ends_in_two_crs(sample);
    guess.dialect.blanks_after_quote = given->blanks_after_quote;
    guess.dialect.trailing_delimiter = given->trailing_delimiter;
    if (!find_blanks(sample, given, &guess.dialect))
      return false;
    double prior = delimiter->prior * quotes[i].prior * (*comment && !given->comment ? 0.97 : 1);
    if (!try_escapes(sample, prior, given, guess, guesses))
      return false;
  }
  return true;
}

// Whether some lines begin so, and at least as many do not; with # two are enough.
static bool begins_lines(const SniffSample *sample, const char *prefix) {
  const char *at = sample->bytes, *end = at + sample->len;
  size_t len = strlen(prefix), lines = 0, found = 0;
  while (at < end) {
    found += (size_t)(end - at) >= len && memcmp(at, prefix, len) == 0;
    lines += *at != '\n' && *at != '\r';
    while (at < end && *at != '\n' && *at != '\r')
      at++;
    at++;
  }
  return found > 0 && (*prefix == '#' ? found + 2 <= lines : found * 2 <= lines);
}

// Whether the sign begins lines, as it does before comments: it is hardly a delimiter, too.
static bool is_comment_sign(const SniffSample *sample, const char *delimiter) {
  char sign[2] = {delimiter[0], 0};
  return *sign && strchr("#%!", *sign) && begins_lines(sample, sign);
}

static bool try_delimiters(const SniffSample *sample, const SniffGiven *given, const char *comment,
                           SniffGuesses *guesses) {
  SniffDelimiter delimiters[SNIFF_MAX_DELIMITERS + 1];
  size_t count = 0;
  if (given->delimiter) {
    delimiters[count].prior = 1;
    strcpy(delimiters[count++].text, given->delimiter);
  } else {
    count = sniff_delimiters(sample->bytes, sample->len, delimiters);
    delimiters[count++] = (SniffDelimiter){"", 1};
  }
  for (size_t i = 0; i < count; i++)
    if (given->delimiter || ((strcmp(delimiters[i].text, comment) != 0 || !*comment) &&
                             !is_comment_sign(sample, delimiters[i].text)))
      if (!try_quotes(sample, given, &delimiters[i], comment, guesses))
        return false;
  return true;
}

static bool try_all(const SniffSample *sample, const SniffGiven *given, SniffGuesses *guesses) {
  guesses->count = 0;
  if (given->comment)
    return try_delimiters(sample, given, given->comment, guesses);
  if (!try_delimiters(sample, given, "", guesses))
    return false;
  for (size_t i = 0; i < SNIFF_COMMENTS; i++)
    if (begins_lines(sample, sniff_comments[i]) &&
        !try_delimiters(sample, given, sniff_comments[i], guesses))
      return false;
  return true;
}

// COPY's text format is one dialect, but for its delimiter.
static bool take_text_format(const SniffSample *sample, const SniffGiven *given,
                             SniffGuesses *guesses) {
  SniffGuess guess = {.dialect = {.escape = '\\', .text_format = true}};
  strcpy(guess.dialect.delimiter, given->delimiter ? given->delimiter : "\t");
  guess.dialect.delimiter_len = (uint8_t)strlen(guess.dialect.delimiter);
  if (!sniff_score(sample, 1, &guess))
    return false;
  guesses->count = 0;
  insert(guesses, &guess);
  return true;
}

bool sniff_dialect(const SniffSample *sample, const SniffGiven *given, SniffGuesses *guesses) {
  SniffGiven nothing = *given;
  if (given->text_format)
    return take_text_format(sample, given, guesses);
  if (!try_all(sample, given, guesses))
    return false;
  bool again = guesses->count == 0 && (given->delimiter || given->quote || given->escape);
  nothing.delimiter = nothing.quote = nothing.escape = NULL;
  return !again || try_all(sample, &nothing, guesses);
}
