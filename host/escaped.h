// Text on its way to a terminal: what it could take for an order is written as an escape.
#ifndef PGHOST_HOST_ESCAPED_H
#define PGHOST_HOST_ESCAPED_H

#include <stdbool.h>
#include <stdio.h>

// Writes UTF-8 text. Control characters, marks that turn the direction of text, and bytes that are
// no UTF-8 become \n, \x1b, \u{202e}; `lines`: line ends and tabs stay. The library has the same
// for what it prints (scripts/pghost/lib/terminal.lua), with more kinds of invisible characters.
void escaped_write(FILE *file, const char *text, bool lines);

// Writes UTF-8 text as a string of JSON, quotes included; the same characters are escapes of JSON,
// and bytes that are no UTF-8 become U+FFFD.
void escaped_write_json(FILE *file, const char *text);

#endif
