// Lines on stderr, unless the user wants none.
#include "progress.h"

#include <stdarg.h>
#include <stdio.h>

static bool is_quiet;

void progress_set_quiet(bool quiet) {
  is_quiet = quiet;
}

void progress_say(const char *format, ...) {
  if (is_quiet)
    return;
  va_list args;
  va_start(args, format);
  fputs("pghost: ", stderr);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  va_end(args);
}
