// Colors for the line in the line editor. libedit does not support colors: what it has written is
// written again, with colors, just before it waits for a key. The characters stay in the same
// places, so libedit's own picture of the screen remains correct.
#ifndef PGHOST_HOST_PAINTER_H
#define PGHOST_HOST_PAINTER_H

#include <stdbool.h>
#include <stddef.h>

// A line as it stands after its prompt.
typedef struct PaintedLine {
  const char *prompt;
  const char *text; // without colors
  size_t length;
  size_t cursor;       // bytes of the text before it
  const char *painted; // the same text with colors
} PaintedLine;

// Writes the colors; the cursor stays where it is. Does nothing for a line that is higher than the
// screen or that cannot be placed.
void painter_write(const PaintedLine *line, size_t columns, size_t rows);

#endif
