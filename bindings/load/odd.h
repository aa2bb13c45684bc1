// Odd values, whose form only the server can read: the server is asked once per block, and the
// answers go into its rows. For load/ only.
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

// Begins a row of the block for a record with odd values, with what is known so far. odd_settle
// adds the answers.
void odd_put_row(Block *block, const Program *program, const Scratch *scratch);

// Notes what was sent as text.
void odd_note(Engine *engine, const Block *block, const Scratch *scratch, int64_t line);

// Asks the server for the odd values of a block that has been through the rules, and completes its
// rows; records with refused values become rejects. False: the server could not be asked, error
// filled.
bool odd_settle(Engine *engine, Block *block, Error *error);

#endif
