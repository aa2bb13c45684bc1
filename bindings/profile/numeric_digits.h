// What a profile needs of a numeric in the server's binary form: its value as a double, as text,
// and the bytes that two equal numbers share however many zeros were written after the point.
//
// The form is numeric_send's, see rules/type_numeric.c.
#ifndef PGHOST_PROFILE_NUMERIC_DIGITS_H
#define PGHOST_PROFILE_NUMERIC_DIGITS_H

#include "base/buffer.h"

enum { NUMERIC_HEADER = 8, NUMERIC_SHORT = 64 };

// Copies `len` bytes to `out` without the number of digits shown; `len` is at most NUMERIC_SHORT.
void numeric_key(const char *bytes, uint32_t len, char *out);

// The nearest double, or within a few units in the last place where there are more than 15 digits.
double numeric_double(const char *bytes);

// Appends "-12.5", "NaN", "Infinity": no zeros at the end of a fraction.
void numeric_text(const char *bytes, Buffer *out);

#endif
