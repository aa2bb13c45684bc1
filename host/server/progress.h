// Lines on stderr about what takes a while.
#ifndef PGHOST_SERVER_PROGRESS_H
#define PGHOST_SERVER_PROGRESS_H

#include <stdbool.h>

void progress_set_quiet(bool quiet);
void progress_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
