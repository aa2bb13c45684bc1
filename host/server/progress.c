// Lines on stderr, unless the user wants none.
#include "progress.h"

#include <stdarg.h>
#include <stdio.h>

#include "escaped.h"

static bool is_quiet;

void progress_set_quiet(bool quiet) {
  is_quiet = quiet;
}

void progress_say(const char *format, ...) {
  char line[2048];
  if (is_quiet)
    return;
  va_list args;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  fputs("pghost: ", stderr);
  escaped_write(stderr, line, false);
  fputc('\n', stderr);
}
