// The interrupt flags themselves.
#include "base/interrupt.h"

#include <stddef.h>

atomic_int interrupt_signal = 0;
_Thread_local const atomic_int *interrupt_flag = NULL;

bool interrupt_wanted(void) {
  return interrupt_signal != 0 || (interrupt_flag && *interrupt_flag);
}
