// Where a line stands on the screen, and writing it once more with colors.
#define _XOPEN_SOURCE 700 // wcwidth
#include "painter.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

typedef struct Place {
  size_t row, column;
} Place;

// Moves on from where the cursor stands by `text` (UTF-8, by the locale), on a terminal of
// `columns`. False for text that cannot be placed: control characters, invalid bytes.
static bool advance(Place *place, const char *text, size_t length, size_t columns) {
  mbstate_t state = {0};
  for (size_t at = 0; at < length;) {
    wchar_t character;
    size_t used = mbrtowc(&character, text + at, length - at, &state);
    if (used == 0 || used == (size_t)-1 || used == (size_t)-2)
      return false;
    int width = wcwidth(character);
    if (width < 0)
      return false;
    if (place->column + (size_t)width > columns) { // a wide character does not straddle the margin
      place->row++;
      place->column = 0;
    }
    place->column += (size_t)width;
    at += used;
  }
  if (place->column == columns) { // libedit moves on at once
    place->row++;
    place->column = 0;
  }
  return true;
}

static void move_up(size_t rows) {
  if (rows > 0)
    printf("\033[%zuA", rows);
}

void painter_write(const PaintedLine *line, size_t columns, size_t rows) {
  Place start = {0};
  if (columns == 0 || !advance(&start, line->prompt, strlen(line->prompt), columns))
    return;
  Place cursor = start, end = start;
  if (start.row > 0 || !advance(&cursor, line->text, line->cursor, columns) ||
      !advance(&end, line->text, line->length, columns) || end.row >= rows)
    return;
  fputs("\0337\r", stdout); // remembers the cursor
  move_up(cursor.row);
  if (start.column > 0)
    printf("\033[%zuC", start.column);
  fputs(line->painted, stdout);
  fputs("\0338", stdout);
  fflush(stdout);
}
