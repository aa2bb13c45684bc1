// Columns of a fixed width.
#include "sniff/aligned.h"

// Whether blanks stand together between other characters.
static bool has_gap(const char *at, const char *end) {
  size_t blanks = 0;
  for (bool inside = false; at < end; at++) {
    if (*at != ' ' && *at != '\t') {
      if (inside && blanks > 1)
        return true;
      inside = true;
    }
    blanks = *at == ' ' ? blanks + 1 : 0;
  }
  return false;
}

// Whether most lines have such gaps: columns of a fixed width, which no delimiter parts.
bool sniff_is_aligned(const SniffSample *sample) {
  const char *at = sample->bytes, *end = at + sample->len;
  size_t lines = 0, gaps = 0;
  while (at < end) {
    const char *start = at;
    while (at < end && *at != '\n' && *at != '\r')
      at++;
    lines += at > start;
    gaps += has_gap(start, at);
    at++;
  }
  return gaps > 1 && gaps * 2 > lines;
}
