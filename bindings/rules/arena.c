// A list of blocks that are filled one after the other.
#include "rules/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 4096, ALIGNMENT = 16 };

struct ArenaBlock {
  ArenaBlock *next;
  size_t size;
  _Alignas(ALIGNMENT) char data[];
};

static ArenaBlock *append_block(Arena *arena, size_t size) {
  if (size < BLOCK_SIZE)
    size = BLOCK_SIZE;
  ArenaBlock *block = malloc(sizeof *block + size);
  if (!block)
    return NULL;
  *block = (ArenaBlock){.size = size};
  if (arena->current)
    arena->current->next = block;
  else
    arena->first = block;
  return block;
}

void *arena_alloc(Arena *arena, size_t size) {
  if (arena->failed || size > SIZE_MAX / 2)
    return NULL;
  size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
  while (!arena->current || arena->current->size - arena->used < size) {
    ArenaBlock *next = arena->current ? arena->current->next : arena->first;
    if (!next)
      next = append_block(arena, size);
    if (!next) {
      arena->failed = true;
      return NULL;
    }
    arena->current = next;
    arena->used = 0;
  }
  void *memory = arena->current->data + arena->used;
  arena->used += size;
  return memory;
}

char *arena_copy(Arena *arena, const char *bytes, size_t len) {
  char *copy = arena_alloc(arena, len + 1);
  if (!copy)
    return NULL;
  if (len > 0)
    memcpy(copy, bytes, len);
  copy[len] = 0;
  return copy;
}

void arena_reset(Arena *arena) {
  arena->current = arena->first;
  arena->used = 0;
  arena->failed = false;
}

void arena_free(Arena *arena) {
  for (ArenaBlock *block = arena->first; block;) {
    ArenaBlock *next = block->next;
    free(block);
    block = next;
  }
  *arena = (Arena){0};
}
