// Inputs: where the bytes of a source come from. csv/input.h opens them, except URLs: the module
// that opens those is loaded on first use and registers itself here.
#ifndef PGHOST_BASE_INPUT_H
#define PGHOST_BASE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

// `read` returns the bytes put into `out`, 0 at the end, -1 with `error` filled. It runs on the
// reading thread. `close` frees the input. `taken` returns how many bytes of the file itself `read`
// has consumed so far (all of them at the end); NULL: as many as `read` returned.
typedef struct Input Input;
struct Input {
  ptrdiff_t (*read)(Input *input, char *out, size_t size, Error *error);
  void (*close)(Input *input);
  uint64_t (*taken)(const Input *input);
};

enum { INPUT_HEAD = 16 }; // bytes needed to detect what a file is

// An input with its bytes as stored, compressed or not.
typedef struct RawInput RawInput;
struct RawInput {
  Input input; // first: an Input * is a RawInput *

  // Looks at the first bytes without consuming them. Returns their number, at most INPUT_HEAD; -1
  // with `error` filled.
  ptrdiff_t (*peek)(RawInput *raw, char head[INPUT_HEAD], Error *error);
  const char *name;    // for messages
  const char *version; // of an object behind a URL, when it was opened; or NULL
  uint64_t size;       // bytes when it was opened; 0: empty or unknown
  int fd;              // of an ordinary, seekable file; otherwise -1
};

// Opens the object at a URL. `version`: the version it must still have, or NULL.
typedef RawInput *InputOpener(const char *url, const char *version, Error *error);

// True when a path is the URL of an object: http, https or s3.
bool input_is_url(const char *path);

// The opener of URLs, one per process; NULL until one is registered.
void input_set_opener(InputOpener *opener);
InputOpener *input_opener(void);

#endif
