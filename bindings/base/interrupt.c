// The interrupt flag itself.
#include "base/interrupt.h"

volatile sig_atomic_t interrupt_signal = 0;
