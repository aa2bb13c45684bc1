// The load engine: source -> records -> rules -> COPY streams, on threads, in constant memory.
//
//   splitter --chunks--> workers (tokenise, check the cuts, rules, encode) --blocks--> senders
//
// One splitter reads and cuts, `workers` threads do the work per block, one sender per COPY stream.
// The calling thread waits, and runs rules written in Lua where there are any. Blocks are recycled:
// their number bounds the memory, and a slow server stops the splitter. Several files can be in
// progress at once: while the last blocks of one are processed, the next is being cut. No Lua here,
// and no policy: which tables, which transaction and what a reject means is the caller's business.
#ifndef PGHOST_LOAD_ENGINE_H
#define PGHOST_LOAD_ENGINE_H

#include "load/types.h"

// Threads start with the first file. NULL: no memory or no threads.
Engine *engine_new(const EngineOptions *options, Error *error);

// Begins a COPY on `conn`, which belongs to the engine until engine_finish or engine_free. Several
// streams of one kind share the blocks between them.
bool engine_add_stream(Engine *engine, StreamKind kind, PGconn *conn, const char *copy,
                       Error *error);

// Whether another file may be started beside those in progress.
bool engine_has_room(const Engine *engine);

// Starts a file; engine_wait returns the files in the order they were started.
bool engine_start_file(Engine *engine, const FileTask *task, Error *error);

typedef enum WaitStatus {
  WAIT_TIMEOUT, // nothing new: time to report progress
  WAIT_BLOCK,   // *block has records for rules written in Lua: engine_block_..., then _block_done
  WAIT_DONE,    // the oldest file is done: *file holds its counts, which add up
  WAIT_FAILED,  // error filled; only engine_free is left
} WaitStatus;

// Waits up to `timeout_ms`. Looks at interrupt_signal (code "interrupted"). If some byte of a file
// did not come back as part of a record, or its records do not add up, that is a failure with code
// "conservation".
WaitStatus engine_wait(Engine *engine, int timeout_ms, Block **block, Counts *file, Error *error);

// For WAIT_BLOCK: each call runs the program over the next record; false at the end of the block.
// When *scratch is not NULL the record has passed so far, and the caller decides it with
// engine_block_verdict before the next call.
bool engine_block_next(Engine *engine, Block *block, Scratch **scratch);
void engine_block_verdict(Engine *engine, Block *block, Verdict verdict);
// Instead of a verdict and _block_done: ends the load because of the current record. Code "lua".
void engine_block_fail(Engine *engine, Block *block, const char *reason);
void engine_block_done(Engine *engine, Block *block);

// Counts of all files so far.
void engine_counts(Engine *engine, Counts *total);

// Completes all streams and compares the numbers of rows sent and counted. `rows` are the server's
// counts per kind. False: error filled; the streams have ended either way.
bool engine_finish(Engine *engine, uint64_t rows[STREAM_KINDS], Error *error);

// What cleaning changed, summed over all threads; after engine_finish. `i` from 0 to
// program_count_slots - 1.
void engine_rule_count(Engine *engine, size_t i, RuleCount *out);

// What only the server could read in a column (odd.h), after engine_finish. False: nothing.
typedef struct OddValues {
  uint64_t count;
  int64_t file_id, line; // of the first
  const char *text;
} OddValues;
bool engine_odd_values(const Engine *engine, size_t column, OddValues *out);

// File ids of the records that the server refused after the rules; the totals include them, the
// counts of their files do not.
const int64_t *engine_refused(const Engine *engine, size_t *count);

// How many rows went to `repeats`, and whether every key was looked up (keys.h); after
// engine_finish.
uint64_t engine_repeats(const Engine *engine, bool *complete);

// Aborts what is unfinished, joins the threads, frees. After a failure with code "budget" the
// rejects stream is completed, so that the rejects found can be inspected. Connections are idle
// afterwards (with a failed transaction if a COPY was aborted). NULL is fine.
void engine_free(Engine *engine);

#endif
