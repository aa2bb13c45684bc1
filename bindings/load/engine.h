// The load engine: source -> records -> rules -> COPY streams, on threads, in constant memory.
//
//   splitter --chunks--> workers (tokenise, check the cuts, rules, encode) --blocks--> senders
//
// One splitter reads and cuts, `workers` threads do the work per block, one sender per COPY stream.
// The calling thread waits, and runs rules written in Lua where there are any. Blocks are recycled:
// their number bounds the memory, and a slow server stops the splitter. Several files can be under
// way at once: while the last blocks of one are at work the next is being cut. Nothing of Lua here,
// and no policy: which tables, which transaction and what a reject means is the caller's business.
#ifndef PGHOST_LOAD_ENGINE_H
#define PGHOST_LOAD_ENGINE_H

#include "load/types.h"

// Threads start with the first file. NULL: no memory or no threads.
Engine *engine_new(const EngineOptions *options, Error *error);

// Begins a COPY on `conn`, which is the engine's until engine_finish or engine_free. Several
// streams of one kind share the blocks between them.
bool engine_add_stream(Engine *engine, StreamKind kind, PGconn *conn, const char *copy,
                       Error *error);

// Whether a further file may be started beside those under way.
bool engine_has_room(const Engine *engine);

// Starts a file; engine_wait gives the files back in the order they were started in.
bool engine_start_file(Engine *engine, const FileTask *task, Error *error);

typedef enum WaitStatus {
  WAIT_TIMEOUT, // nothing new: a moment for progress
  WAIT_BLOCK,   // *block has records for rules written in Lua: engine_block_..., then _block_done
  WAIT_DONE,    // the oldest file under way is done: *file are its counts, which add up
  WAIT_FAILED,  // error filled; only engine_free is left
} WaitStatus;

// Waits up to `timeout_ms`. Looks at interrupt_signal (code "interrupted"). A file of which not
// every byte came back as part of a record, or whose records do not add up, is a failure with code
// "conservation".
WaitStatus engine_wait(Engine *engine, int timeout_ms, Block **block, Counts *file, Error *error);

// For WAIT_BLOCK: each call runs the program over the next record; false at the end of the block.
// When *scratch is not NULL the record passed so far and the caller says what becomes of it with
// engine_block_verdict before the next call.
bool engine_block_next(Engine *engine, Block *block, Scratch **scratch);
void engine_block_verdict(Engine *engine, Block *block, Verdict verdict);
// Instead of a verdict and of _block_done: ends the load, because of the record at hand. Code
// "lua".
void engine_block_fail(Engine *engine, Block *block, const char *reason);
void engine_block_done(Engine *engine, Block *block);

// Counts of all files so far.
void engine_counts(Engine *engine, Counts *total);

// Ends all streams well. `rows` are what the server counted per kind. False: error filled, the
// streams are ended one way or the other. The numbers of rows sent and counted are compared.
bool engine_finish(Engine *engine, uint64_t rows[STREAM_KINDS], Error *error);

// What cleaning changed, summed over all threads; after engine_finish. `i` from 0 to
// program_count_slots - 1.
void engine_rule_count(Engine *engine, size_t i, RuleCount *out);

// What the server alone knew of a column (odd.h), after engine_finish. False: nothing.
typedef struct OddValues {
  uint64_t count;
  int64_t file_id, line; // of the first
  const char *text;
} OddValues;
bool engine_odd_values(const Engine *engine, size_t column, OddValues *out);

// File ids of the records that the server has refused after the rules; they are in the totals, and
// not in the counts of their files.
const int64_t *engine_refused(const Engine *engine, size_t *count);

// How many rows went to `repeats`, and whether every key was looked up (keys.h); after
// engine_finish.
uint64_t engine_repeats(const Engine *engine, bool *complete);

// Aborts what is unfinished, joins the threads, frees. After a failure with code "budget" the
// rejects stream is ended well: what has been found is there to be looked at. Connections are idle
// afterwards (their transaction failed where a COPY was aborted). NULL is fine.
void engine_free(Engine *engine);

#endif
