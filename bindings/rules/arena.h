// Memory that is freed all at once: what a program owns, and what one record needs.
//
// Blocks never move, so pointers stay good until arena_reset or arena_free. One owner, no locking.
#ifndef PGHOST_RULES_ARENA_H
#define PGHOST_RULES_ARENA_H

#include <stdbool.h>
#include <stddef.h>

typedef struct ArenaBlock ArenaBlock;

typedef struct Arena {
  ArenaBlock *first;
  ArenaBlock *current;
  size_t used; // bytes of `current`
  bool failed; // out of memory; sticky until arena_reset
} Arena;

// `size` bytes aligned for anything; NULL, and `failed` set, when there is no memory.
void *arena_alloc(Arena *arena, size_t size);

// A NUL-terminated copy of `len` bytes (which may hold NULs), NULL when there is no memory.
char *arena_copy(Arena *arena, const char *bytes, size_t len);

// Gives everything back to the arena, which keeps its blocks.
void arena_reset(Arena *arena);

// Frees the blocks; the arena can be used again.
void arena_free(Arena *arena);

#endif
