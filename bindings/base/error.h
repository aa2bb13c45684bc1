// How the pure C layer reports failures of the outside world: a message and a code.
//
// Functions that can fail return false (or NULL) and fill the Error their caller passed. The
// Lua-facing files turn it into `nil, message, code`. Misuse of an API is an assertion instead.
#ifndef PGHOST_BASE_ERROR_H
#define PGHOST_BASE_ERROR_H

#include <stdbool.h>

typedef struct Error {
  char message[1024]; // one line (server messages may keep DETAIL lines), lower case, UTF-8
  char code[16];      // SQLSTATE, errno name ("ENOENT") or our own word ("interrupted")
} Error;

// Fills `error` (which may be NULL) from a format; always returns false, so that a failing
// function can end with `return error_set(...)`.
bool error_set(Error *error, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// As error_set, with the errno name as code and its text after the message:
// "could not open 'x.csv': no such file or directory".
bool error_set_errno(Error *error, int number, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
