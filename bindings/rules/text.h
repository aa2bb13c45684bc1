// UTF-8 text: counting, case, and lines for people with values quoted in them.
//
// Knows nothing of rules. Bytes that are not UTF-8 are taken one by one and never refused.
#ifndef PGHOST_RULES_TEXT_H
#define PGHOST_RULES_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Characters (code points) of valid UTF-8.
size_t text_characters(const char *text, size_t len);

// Whether PostgreSQL can store it in text: well-formed UTF-8 without NUL bytes.
bool text_storable(const char *text, size_t len);

// True when text_change_case could change something: there is an ASCII letter of the other case, or
// a byte outside ASCII.
bool text_may_change_case(const char *text, size_t len, bool upper);

// Writes `text` in lower (upper) case to `out`, which has room for 2 * len bytes; returns the
// bytes written. One character for one, by the tables of glibc's C.UTF-8, whatever the process's
// locale is: what lower() of a server with that locale gives ('ß' stays 'ß' in upper case).
size_t text_change_case(const char *text, size_t len, bool upper, char *out);

// A line for people under construction. Always NUL-terminated; what does not fit is dropped.
typedef struct Line {
  char *out;
  size_t size;
  size_t len;
} Line;

Line line_start(char *out, size_t size);

void line_put(Line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Appends `text` on one line: control characters as \n, \t, \x1b or \u009b, bytes that are not
// UTF-8 as \xff; after `characters` characters it is cut and "..." put.
void line_put_escaped(Line *line, const char *text, size_t len, size_t characters);

// The same in single quotes, cut at 60 characters.
void line_put_quoted(Line *line, const char *text, size_t len);

#endif
