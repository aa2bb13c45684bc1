// The end of the process.
#ifndef PGHOST_HOST_LEAVE_H
#define PGHOST_HOST_LEAVE_H

// Ends the process with everything printed, and without the exit handlers of the thirty libraries
// below libpq: one of them allocates, and when out of memory it would change the exit code.
_Noreturn void leave(int code);

// Sets what leave() calls first.
void leave_after(void (*last)(void));

#endif
