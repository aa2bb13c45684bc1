// Fills the gaps left by `2>&-` and the like.
#define _POSIX_C_SOURCE 200809L
#include "standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

bool standard_streams_open(void) {
  static const int modes[] = {O_WRONLY, O_RDONLY, O_WRONLY}; // the wrong way round for 0 and 1
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
      return false;
  return true;
}
