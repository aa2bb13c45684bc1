// The splitter thread. For load/ only.
#ifndef PGHOST_LOAD_SPLITTER_H
#define PGHOST_LOAD_SPLITTER_H

#include "load/shared.h"

void *splitter_main(void *engine);

// For a file that has just been started: a block for the caller to cut it with, where its bytes are
// in memory and all files before it are cut, since to wake the splitter takes longer than to cut a
// small file. NULL: the splitter is woken. The lock is held.
Block *splitter_claim(Engine *engine, Task *task);

// The caller's cut, with that block; the splitter does what is left. Takes the lock.
void splitter_begin(Engine *engine, Task *task, Block *block);

#endif
