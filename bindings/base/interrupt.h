// The flags that say "a signal asked us to stop". Whoever waits in C looks at it.
//
// The host's signal handler sets it; waits in pg/ and load/ return with code "interrupted" when
// they see it; the host clears it (REPL) or leaves with 128 + signal.
#ifndef PGHOST_BASE_INTERRUPT_H
#define PGHOST_BASE_INTERRUPT_H

#include <stdatomic.h>
#include <stdbool.h>

// 0, or the number of the signal that asked us to stop. The handler runs on the main thread, others
// read it, too.
extern atomic_int interrupt_signal;

// For a thread that its owner ends by setting a flag: its waits look at that, too. NULL: no flag.
extern _Thread_local const atomic_int *interrupt_flag;

// Whether this thread should wait no longer.
bool interrupt_wanted(void);

#endif
