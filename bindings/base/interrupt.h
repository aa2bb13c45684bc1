// The flags that say "a signal asked us to stop". Every wait in C checks them.
//
// The host's signal handler sets interrupt_signal; waits in pg/ and load/ return with code
// "interrupted" when they see it; the host clears it (REPL) or exits with 128 + signal.
#ifndef PGHOST_BASE_INTERRUPT_H
#define PGHOST_BASE_INTERRUPT_H

#include <stdatomic.h>
#include <stdbool.h>

// 0, or the number of the signal that asked us to stop. The handler runs on the main thread; other
// threads read it.
extern atomic_int interrupt_signal;

// For a thread that its owner stops by setting a flag: its waits check that flag too. NULL: no
// flag.
extern _Thread_local const atomic_int *interrupt_flag;

// Whether this thread should stop waiting.
bool interrupt_wanted(void);

#endif
