// See sample.h.
#include "profile/sample.h"

#include <stdlib.h>

bool sample_init(Sample *sample, size_t columns) {
  size_t room = SAMPLE_BYTES / ((columns + 1) * sizeof(SampleCell));
  *sample = (Sample){.columns = columns, .limit = UINT64_MAX};
  sample->room = room < SAMPLE_RECORDS ? room : SAMPLE_RECORDS;
  sample->room += sample->room == 0;
  sample->records = calloc(sample->room, sizeof *sample->records);
  sample->cells = calloc(sample->room * (columns + 1), sizeof *sample->cells);
  return sample->records && sample->cells;
}

void sample_free(Sample *sample) {
  free(sample->records);
  free(sample->cells);
  *sample = (Sample){0};
}

static void sift_up(SampledRecord *heap, size_t at) {
  while (at > 0 && heap[(at - 1) / 2].priority < heap[at].priority) {
    SampledRecord swap = heap[at];
    heap[at] = heap[(at - 1) / 2];
    heap[(at - 1) / 2] = swap;
    at = (at - 1) / 2;
  }
}

static void sift_down(SampledRecord *heap, size_t count) {
  for (size_t at = 0;;) {
    size_t child = 2 * at + 1;
    if (child + 1 < count && heap[child + 1].priority > heap[child].priority)
      child++;
    if (child >= count || heap[child].priority <= heap[at].priority)
      return;
    SampledRecord swap = heap[at];
    heap[at] = heap[child];
    heap[child] = swap;
    at = child;
  }
}

SampleCell *sample_take(Sample *sample, uint64_t priority) {
  uint32_t row = (uint32_t)sample->count;
  if (sample->count < sample->room) {
    sample->records[sample->count] = (SampledRecord){priority, row};
    sift_up(sample->records, sample->count++);
  } else {
    row = sample->records[0].row;
    sample->records[0].priority = priority;
    sift_down(sample->records, sample->count);
  }
  if (sample->count == sample->room)
    sample->limit = sample->records[0].priority;
  return sample->cells + row * sample->columns;
}

void sample_merge(Sample *into, const Sample *from) {
  for (size_t i = 0; i < from->count; i++) {
    const SampledRecord *record = &from->records[i];
    if (record->priority >= into->limit)
      continue;
    memcpy(sample_take(into, record->priority), from->cells + record->row * from->columns,
           from->columns * sizeof(SampleCell));
  }
}
