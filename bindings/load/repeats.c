// See repeats.h.
#include "load/repeats.h"

#include <errno.h>

#include "load/keys.h"
#include "load/origins.h"
#include "load/stream_rows.h"

void repeats_note(const Engine *engine, Block *block, const Scratch *scratch) {
  uint64_t hash = keys_hash(engine->keys, engine->options.program, scratch);
  buffer_put(&block->hashes, &hash, sizeof hash);
}

// How many keys there will be, if all records are like those of this block; 0: not known.
static uint64_t expected_keys(const Engine *engine, const Block *block, size_t rows) {
  if (block->consumed == 0)
    return 0;
  double records = (double)engine->options.expected_bytes / (double)block->consumed;
  return (uint64_t)(records * (double)rows * 1.1);
}

// Moves the rows at `marks` whose hash is 0.
static void move(Block *block, const RowMark *marks, const uint64_t *hashes, size_t count) {
  Buffer *rows = &block->out[STREAM_CLEAN];
  size_t start = 0, end = 0;
  for (size_t i = 0; i < count; start = marks[i++].end) {
    char *row = rows->data + start;
    size_t len = marks[i].end - start;
    if (hashes[i]) {
      memmove(rows->data + end, row, len);
      end += len;
      continue;
    }
    const Record *record = &block->batch.records[marks[i].record];
    Origin origin = origin_of(block, record);
    origin_locate(block, record, &origin);
    row_put_repeat(&block->repeats, row, len, &origin);
    block->repeat_rows++;
  }
  rows->len = end;
  block->rows[STREAM_CLEAN] -= block->repeat_rows;
}

void repeats_take(Engine *engine, Block *block) {
  size_t count = block->hashes.len / sizeof(uint64_t);
  uint64_t *hashes = (uint64_t *)(void *)block->hashes.data;
  if (count == 0 || block->hashes.failed || block->marks.failed ||
      block->out[STREAM_CLEAN].failed || // the load fails: block_encoded
      keys_look(engine->keys, hashes, count, expected_keys(engine, block, count)) == 0)
    return;
  move(block, (const RowMark *)(const void *)block->marks.data, hashes, count);
}

bool repeats_write(Engine *engine, Block *block, Error *error) {
  const Buffer *rows = &block->repeats;
  engine->repeat_rows += block->repeat_rows;
  if (block->repeat_rows == 0 ||
      fwrite(rows->data, 1, rows->len, engine->options.repeats) == rows->len)
    return true;
  return error_set_errno(error, errno, "could not write the records whose key came before");
}
