// A sample of records: those with the lowest priorities, where a priority is a hash of a record's
// place in its file. It is as good as a random sample, and does not depend on how the records are
// divided among samples that are merged later.
//
// Cohen and Kaplan, "Summarizing data using bottom-k sketches", 2007.
#ifndef PGHOST_PROFILE_SAMPLE_H
#define PGHOST_PROFILE_SAMPLE_H

#include "base/buffer.h"

// Records; fewer if there are too many columns to fit the bytes.
enum { SAMPLE_RECORDS = 4096, SAMPLE_BYTES = 16 * 1024 * 1024, SAMPLE_TEXT = 44 };

typedef struct SampleCell {
  uint64_t hash;
  int64_t number; // a number's value or bits
  uint32_t len;   // of a text, of which less may be kept
  bool null;
  char text[SAMPLE_TEXT];
} SampleCell;

typedef struct SampledRecord {
  uint64_t priority;
  uint32_t row; // in `cells`
} SampledRecord;

typedef struct Sample {
  size_t columns;
  size_t room;
  size_t count;
  uint64_t limit;         // records with a priority below it belong to the sample
  SampledRecord *records; // a heap, the highest priority first
  SampleCell *cells;      // `columns` of them a record
} Sample;

bool sample_init(Sample *sample, size_t columns); // false: no memory
void sample_free(Sample *sample);

// For a priority below `limit`: the cells to be filled.
SampleCell *sample_take(Sample *sample, uint64_t priority);

void sample_merge(Sample *into, const Sample *from);

#endif
