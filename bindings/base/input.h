// Inputs: where the bytes of a source come from. csv/input.h opens them; what is named by a URL is
// opened by a module that is loaded only then, and registers itself here.
#ifndef PGHOST_BASE_INPUT_H
#define PGHOST_BASE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

// `read` returns the bytes put into `out`, 0 at the end, -1 with `error` filled. It runs on the
// reading thread. `close` frees the input. `taken` tells how many bytes of the file itself came
// out of `read` so far, at its end all of them; NULL: as many as it returned.
typedef struct Input Input;
struct Input {
  ptrdiff_t (*read)(Input *input, char *out, size_t size, Error *error);
  void (*close)(Input *input);
  uint64_t (*taken)(const Input *input);
};

enum { INPUT_HEAD = 16 }; // bytes that tell what a file is

// An input as it is, packed or not, before anything unpacks it.
typedef struct RawInput RawInput;
struct RawInput {
  Input input; // first: an Input * is a RawInput *

  // Looks at the first bytes without consuming them. Returns their number, at most INPUT_HEAD; -1
  // with `error` filled.
  ptrdiff_t (*peek)(RawInput *raw, char head[INPUT_HEAD], Error *error);
  const char *name;    // for messages
  const char *version; // what it was when it was opened, of an object behind a URL; or NULL
  uint64_t size;       // bytes when it was opened; 0: none, or not known
  int fd;              // of an ordinary file, where one can seek; otherwise -1
};

// Opens the object at a URL. `version`: what it must still be, or NULL.
typedef RawInput *InputOpener(const char *url, const char *version, Error *error);

// True when a path is the URL of an object: http, https or s3.
bool input_is_url(const char *path);

// The opener of URLs, once for the process; NULL where none is registered.
void input_set_opener(InputOpener *opener);
InputOpener *input_opener(void);

#endif
