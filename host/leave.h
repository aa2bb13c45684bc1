// The end of the process.
#ifndef PGHOST_HOST_LEAVE_H
#define PGHOST_HOST_LEAVE_H

// Ends the process with everything that was printed, and without what the thirty libraries below
// libpq do at exit: one of them allocates there, and without memory the process would end with
// another exit code than its own.
_Noreturn void leave(int code);

// What leave() calls first.
void leave_after(void (*last)(void));

#endif
