// The worker threads. For load/ only.
#ifndef PGHOST_LOAD_WORKER_H
#define PGHOST_LOAD_WORKER_H

#include "load/shared.h"

void *worker_main(void *worker);

#endif
