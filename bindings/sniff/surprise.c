// How much the first record of a table differs from those below it.
#include "sniff/surprise.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

enum { MOST_COLUMNS = 64, SHAPES = 256 };

enum {
  SHAPE_LOWER = 1,
  SHAPE_FIRST = 2, // the first sign is a capital letter
  SHAPE_UPPER = 4, // some other is
  SHAPE_DIGIT = 8,
  SHAPE_BLANK = 16,
  SHAPE_JOIN = 32, // _ and -, as names have them
  SHAPE_OTHER = 64,
  SHAPE_BEYOND = 128, // ASCII
};

typedef struct Cell {
  uint64_t hash;
  uint8_t shape;
  bool again; // another record has the same value
} Cell;

// The cells of the table's first columns, record by record.
typedef struct Grid {
  Cell *cells; // owned
  size_t columns;
  size_t records;
} Grid;

// Whether a letter beyond ASCII is a capital one: Latin from U+00C0 to U+024F, Greek, Cyrillic.
static bool is_capital(unsigned code) {
  if (code < 0x100)
    return code < 0xdf;
  if (code >= 0x370)
    return code < 0x3ac || (code >= 0x400 && code < 0x430);
  bool odd = (code >= 0x139 && code <= 0x148) || (code >= 0x179 && code <= 0x17e);
  return code % 2 == odd;
}

// The shape of the letter that the two bytes are; 0: they are no letter with two cases.
static uint8_t letter_shape(const unsigned char *at, size_t left, bool first) {
  unsigned code = left < 2 ? 0 : (*at & 0x1fu) << 6 | (at[1] & 0x3fu);
  bool latin = code >= 0xc0 && code < 0x250;
  if (*at < 0xc3 || *at > 0xd1 || !(latin || (code >= 0x386 && code < 0x460)))
    return 0;
  bool capital = is_capital(code);
  return !capital ? SHAPE_LOWER : first ? SHAPE_FIRST : SHAPE_UPPER;
}

static Cell cell_of(const SniffField *field) {
  Cell cell = {.hash = 1469598103934665603u}; // FNV-1a
  for (size_t i = 0; i < field->len; i++) {
    unsigned char c = (unsigned char)field->text[i];
    cell.hash = (cell.hash ^ c) * 1099511628211u;
    uint8_t letter = letter_shape((const unsigned char *)field->text + i, field->len - i, i == 0);
    if (letter) {
      cell.shape |= letter;
      cell.hash = (cell.hash ^ (unsigned char)field->text[++i]) * 1099511628211u;
    } else if (c >= 0x80)
      cell.shape |= SHAPE_BEYOND;
    else if (islower(c))
      cell.shape |= SHAPE_LOWER;
    else if (isupper(c))
      cell.shape |= i == 0 ? SHAPE_FIRST : SHAPE_UPPER;
    else if (isdigit(c))
      cell.shape |= SHAPE_DIGIT;
    else
      cell.shape |= c == ' ' ? SHAPE_BLANK : c == '_' || c == '-' ? SHAPE_JOIN : SHAPE_OTHER;
  }
  return cell;
}

static bool fill_grid(const SniffSample *sample, const SniffGuess *guess, Grid *grid) {
  SniffRecord record = {0};
  size_t at = 0, index = 0;
  while (index < guess->first + guess->records &&
         sniff_record_read(&guess->dialect, sample->bytes + at, sample->len - at, sample->whole,
                           &record)) {
    at += record.length;
    if (record.blank || record.comment || index++ < guess->first || record.count != guess->columns)
      continue;
    for (size_t i = 0; i < grid->columns; i++)
      grid->cells[grid->records * grid->columns + i] = cell_of(&record.fields[i]);
    grid->records++;
  }
  bool failed = record.failed;
  sniff_record_free(&record);
  return !failed;
}

static int by_hash(const void *a, const void *b) {
  uint64_t x = (*(Cell *const *)a)->hash, y = (*(Cell *const *)b)->hash;
  return (x > y) - (x < y);
}

// Finds out which values of a column recur.
static void note_again(Grid *grid, size_t column, Cell **sorted) {
  for (size_t r = 0; r < grid->records; r++)
    sorted[r] = &grid->cells[r * grid->columns + column];
  qsort(sorted, grid->records, sizeof *sorted, by_hash);
  for (size_t r = 1; r < grid->records; r++)
    if (sorted[r]->hash == sorted[r - 1]->hash)
      sorted[r]->again = sorted[r - 1]->again = true;
}

// Bits of surprise where `same` of `others` other records are like this one.
static double bits_of(size_t same, size_t others) {
  return -log2(((double)same + 0.5) / ((double)others + 1));
}

static void add_column(Grid *grid, size_t column, double *surprise) {
  size_t shapes[SHAPES] = {0}, again = 0, others = grid->records - 1;
  for (size_t r = 0; r < grid->records; r++) {
    const Cell *cell = &grid->cells[r * grid->columns + column];
    shapes[cell->shape]++;
    again += cell->again;
  }
  for (size_t r = 0; r < grid->records; r++) {
    const Cell *cell = &grid->cells[r * grid->columns + column];
    size_t alike = cell->again ? again - 1 : grid->records - again - 1;
    surprise[r] += bits_of(shapes[cell->shape] - 1, others) + bits_of(alike, others);
  }
}

static double compare(const double *surprise, size_t records) {
  double most = 0;
  for (size_t r = 1; r < records; r++)
    most = fmax(most, surprise[r]);
  return surprise[0] - most;
}

bool sniff_surprise(const SniffSample *sample, const SniffGuess *guess, double *bits) {
  Grid grid = {.columns = guess->columns < MOST_COLUMNS ? guess->columns : MOST_COLUMNS};
  grid.cells = calloc(guess->records * grid.columns + 1, sizeof *grid.cells);
  Cell **sorted = calloc(guess->records + 1, sizeof(Cell *));
  double *surprise = calloc(guess->records + 1, sizeof *surprise);
  bool good = grid.cells && sorted && surprise && fill_grid(sample, guess, &grid);
  for (size_t i = 0; good && grid.records > 1 && i < grid.columns; i++) {
    note_again(&grid, i, sorted);
    add_column(&grid, i, surprise);
  }
  *bits = good && grid.records > 1 ? compare(surprise, grid.records) : 0;
  free(surprise);
  free(sorted);
  free(grid.cells);
  return good;
}
