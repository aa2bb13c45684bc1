// See leave.h. Sanitizers and coverage write their findings at exit: PGHOST_FULL_EXIT keeps that.
#include "leave.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static void (*last_call)(void);

_Noreturn void leave(int code) {
  if (last_call)
    last_call();
  fflush(NULL);
#ifdef PGHOST_FULL_EXIT
  exit(code);
#else
  quick_exit(code);
#endif
}

void leave_after(void (*last)(void)) {
  last_call = last;
}
