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

#include <stdio.h>

#include "base/error.h"
#include "csv/source.h"
#include "pg/conn.h"
#include "rules/program.h"

typedef struct Engine Engine;
typedef struct Block Block;

// A column that a file does not have: a map entry that gives NULL.
#define COLUMN_ABSENT UINT32_MAX

enum { MAX_WORKERS = 64, MAX_FILES = MAX_WORKERS + 1 };

// The three kinds of stream, each fed to a `COPY ... FROM STDIN (FORMAT binary)`, the clean one
// with `clean_text` to a `COPY ... FROM STDIN`.
typedef enum StreamKind {
  STREAM_RAW,     // the raw columns as text, _file_id bigint, _line bigint
  STREAM_CLEAN,   // the program's columns; with `position` also _file_id bigint, _line bigint
  STREAM_REJECTS, // run_id, table_name, file_id, line, byte_offset, byte_length, column_name, rule,
                  // reason, original
  STREAM_KINDS,
} StreamKind;

// Records and bytes on the disk before which a share says nothing, and how many times as many
// records may come as the bytes left let expect: they may be shorter than those before.
enum { SHARE_FROM = 10000, SHARE_FROM_BYTES = 1 << 19, SHARE_MARGIN = 2 };

// How many rejects there may be: one more, or a larger share of the records, is a failure with code
// "budget". A share stops a load before its end only where the bytes of all there is are known.
typedef struct RejectBudget {
  uint64_t limit; // UINT64_MAX: any number
  double share;   // 1: any share
} RejectBudget;

typedef struct RuleBudget {
  const char *rule; // name of a rule, or of what the reader rejects by
  RejectBudget allowed;
} RuleBudget;

typedef struct EngineOptions {
  const Program *program; // NULL: no clean stream. Borrowed, must outlive the engine
  bool lua_rules;         // blocks pass through the calling thread (engine_wait gives them out)
  bool clean_position;    // the clean stream ends with _file_id, _line
  bool clean_text;        // the clean stream is in COPY's text format: program_needs_text
  unsigned workers;       // from 1 to MAX_WORKERS
  unsigned files;         // that are under way at once, from 1 to MAX_FILES
  int64_t run_id;         // for rejects
  const char *table;      // for rejects; borrowed
  FILE *reject_file;    // NULL, or where the rows of the rejects stream go instead of a connection
                        // (no header, no trailer); the engine closes it
  RejectBudget rejects; // of all files together
  const RuleBudget *rule_budgets; // borrowed, must outlive the engine
  size_t rule_budget_count;
  uint64_t expected_bytes; // of all files together, packed as they are; 0: not known
} EngineOptions;

typedef struct Counts {
  uint64_t records;    // read: loaded + rejected + filtered
  uint64_t loaded;     // passed the rules (without a program: readable)
  uint64_t rejected;   // unreadable ones included
  uint64_t unreadable; // rejects and filtered that can be in neither table
  uint64_t filtered;
  uint64_t bytes;                 // consumed from the source
  uint64_t input_bytes;           // of the file itself, packed as it is: see source_in_file
  uint64_t repairs[REPAIR_KINDS]; // what was changed so that it could be read
} Counts;

// One file to load. Maps are copied. `source` and `name` stay the caller's, but belong to the
// engine's threads until the file is done.
typedef struct FileTask {
  Source *source;
  const char *name; // for messages
  int64_t file_id;
  const uint32_t *raw_map; // source column per raw column
  size_t raw_count;
  const uint32_t *clean_map; // source column per program column
  bool table_source;         // records open with _file_id and _line: they are its position
  RejectBudget rejects;      // of this file
  uint64_t expected_bytes;   // its size, packed as it is; 0: not known
} FileTask;

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

// Aborts what is unfinished, joins the threads, frees. After a failure with code "budget" the
// rejects stream is ended well: what has been found is there to be looked at. Connections are idle
// afterwards (their transaction failed where a COPY was aborted). NULL is fine.
void engine_free(Engine *engine);

#endif
