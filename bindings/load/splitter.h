// The splitter thread. For load/ only.
#ifndef PGHOST_LOAD_SPLITTER_H
#define PGHOST_LOAD_SPLITTER_H

#include "load/shared.h"

void *splitter_main(void *engine);

#endif
