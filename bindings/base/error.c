// Filling an Error.
#define _GNU_SOURCE // strerrorname_np
#include "base/error.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool error_set(Error *error, const char *code, const char *format, ...) {
  if (!error)
    return false;
  snprintf(error->code, sizeof error->code, "%s", code);
  va_list args;
  va_start(args, format);
  vsnprintf(error->message, sizeof error->message, format, args);
  va_end(args);
  return false;
}

bool error_set_errno(Error *error, int number, const char *format, ...) {
  if (!error)
    return false;
  const char *name = strerrorname_np(number);
  snprintf(error->code, sizeof error->code, "%s", name ? name : "EUNKNOWN");
  va_list args;
  va_start(args, format);
  int used = vsnprintf(error->message, sizeof error->message, format, args);
  va_end(args);
  if (used < 0 || (size_t)used >= sizeof error->message)
    return false;
  char text[128];
  const char *reason = number == ENOMEM
                           ? "out of memory" // as everywhere; "cannot allocate memory"
                           : strerror_r(number, text, sizeof text); // GNU: may be a constant
  snprintf(error->message + used, sizeof error->message - (size_t)used, ": %c%s",
           tolower((unsigned char)reason[0]), reason + 1);
  return false;
}
