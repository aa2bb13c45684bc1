// A ring of pointers, first in first out. Not thread-safe: the engine's lock is held around it.
#ifndef PGHOST_LOAD_QUEUE_H
#define PGHOST_LOAD_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct Queue {
  void **items;
  size_t capacity;
  size_t head;
  size_t count;
} Queue;

// Room for `capacity` pointers; pushes never exceed it by construction.
bool queue_init(Queue *queue, size_t capacity);
void queue_free(Queue *queue);

void queue_push(Queue *queue, void *item);
void *queue_pop(Queue *queue); // NULL: empty

// The item pushed last, and the one `i` after the oldest. The queue is not empty.
void *queue_newest(const Queue *queue);
void *queue_at(const Queue *queue, size_t i);

void *queue_pop_newest(Queue *queue); // NULL: empty

#endif
