// Text for a terminal: what the terminal could take for a command is escaped.
#ifndef PGHOST_HOST_ESCAPED_H
#define PGHOST_HOST_ESCAPED_H

#include <stdbool.h>
#include <stdio.h>

// Writes UTF-8 text. Control characters, marks that change the direction of text, and invalid bytes
// become \n, \x1b, \u{202e}; `lines`: line ends and tabs stay. scripts/pghost/lib/terminal.lua does
// the same for what the library prints, with more kinds of invisible characters.
void escaped_write(FILE *file, const char *text, bool lines);

// Writes UTF-8 text as a JSON string, quotes included; the same characters become JSON escapes, and
// invalid bytes become U+FFFD.
void escaped_write_json(FILE *file, const char *text);

#endif
