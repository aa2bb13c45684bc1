// The ring behind Queue.
#include "load/queue.h"

#include <assert.h>
#include <stdlib.h>

bool queue_init(Queue *queue, size_t capacity) {
  *queue = (Queue){.items = calloc(capacity, sizeof *queue->items), .capacity = capacity};
  return queue->items != NULL;
}

void queue_free(Queue *queue) {
  free(queue->items);
  *queue = (Queue){0};
}

void queue_push(Queue *queue, void *item) {
  assert(queue->count < queue->capacity);
  queue->items[(queue->head + queue->count++) % queue->capacity] = item;
}

void *queue_pop(Queue *queue) {
  if (queue->count == 0)
    return NULL;
  void *item = queue->items[queue->head];
  queue->head = (queue->head + 1) % queue->capacity;
  queue->count--;
  return item;
}

void *queue_at(const Queue *queue, size_t i) {
  assert(i < queue->count);
  return queue->items[(queue->head + i) % queue->capacity];
}

void *queue_newest(const Queue *queue) {
  return queue_at(queue, queue->count - 1);
}

void *queue_pop_newest(Queue *queue) {
  if (queue->count == 0)
    return NULL;
  void *item = queue_newest(queue);
  queue->count--;
  return item;
}
