// The splitter thread. For load/ only.
#ifndef PGHOST_LOAD_SPLITTER_H
#define PGHOST_LOAD_SPLITTER_H

#include "load/shared.h"

void *splitter_main(void *engine);

// For a file that has just been started: returns a block for the caller to cut it with, if its
// bytes are in memory and all files before it are cut: waking the splitter takes longer than
// cutting a small file. NULL: the splitter was woken. The lock is held.
Block *splitter_claim(Engine *engine, Task *task);

// Cuts in the calling thread, with that block; the splitter does the rest. Takes the lock.
void splitter_begin(Engine *engine, Task *task, Block *block);

#endif
