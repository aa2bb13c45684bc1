#include "base/input.h"

#include <stdatomic.h>
#include <string.h>

static _Atomic(InputOpener *) registered;

bool input_is_url(const char *path) {
  static const char *const schemes[] = {"http://", "https://", "s3://"};
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
    if (strncmp(path, schemes[i], strlen(schemes[i])) == 0)
      return true;
  return false;
}

void input_set_opener(InputOpener *opener) {
  atomic_store(&registered, opener);
}

InputOpener *input_opener(void) {
  return atomic_load(&registered);
}
