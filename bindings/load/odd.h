// Values of forms that only the server knows: asked for once a block, then part of its rows. For
// load/ only.
#ifndef PGHOST_LOAD_ODD_H
#define PGHOST_LOAD_ODD_H

#include "load/shared.h"

enum { ODD_SAMPLE = 200 };

// The first odd value of a column, and how many there are.
typedef struct OddColumn {
  uint64_t count;
  int64_t file_id, line;
  char text[ODD_SAMPLE]; // cut, escaped
} OddColumn;

// Begins a row of the block for a record with odd values: what is known of it. Answers are put in
// by odd_settle.
void odd_put_row(Block *block, const Program *program, const Scratch *scratch);

// Notes what was sent as text.
void odd_note(Engine *engine, const Block *block, const Scratch *scratch, int64_t line);

// Asks the server for the odd values of a block that is through with the rules, and completes its
// rows; what the server refuses becomes a reject. False: it could not be asked, error filled.
bool odd_settle(Engine *engine, Block *block, Error *error);

#endif
