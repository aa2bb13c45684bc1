// What a load is given and what it counts.
#ifndef PGHOST_LOAD_TYPES_H
#define PGHOST_LOAD_TYPES_H

#include <stdio.h>

#include "base/error.h"
#include "csv/source.h"
#include "pg/asker.h"
#include "profile/profile.h"
#include "rules/program.h"

typedef struct Engine Engine;
typedef struct Block Block;

// A map entry for a column that the file does not have: gives NULL.
#define COLUMN_ABSENT UINT32_MAX

enum {
  MAX_WORKERS = 64,
  MAX_FILES = MAX_WORKERS + 1,
  DEFAULT_MEMORY = 64 << 20, // bytes of blocks
};

// The three kinds of stream, each fed to a `COPY ... FROM STDIN (FORMAT binary)`, the clean one
// with `clean_text` to a `COPY ... FROM STDIN`.
typedef enum StreamKind {
  STREAM_RAW,     // the raw columns as text, _file_id bigint, _line bigint
  STREAM_CLEAN,   // the program's columns; with `position` also _file_id bigint, _line bigint
  STREAM_REJECTS, // run_id, table_name, file_id, line, byte_offset, byte_length, column_name, rule,
                  // reason, original
  STREAM_KINDS,
} StreamKind;

// Records and bytes on disk below which a share says nothing, and the factor by which the remaining
// records may exceed the number that the remaining bytes suggest: they may be shorter than earlier
// ones.
enum { SHARE_FROM = 10000, SHARE_FROM_BYTES = 1 << 19, SHARE_MARGIN = 2 };

// How many rejects there may be: one more, or a larger share of the records, is a failure with code
// "budget". A share stops a load early only if the total bytes are known.
typedef struct RejectBudget {
  uint64_t limit; // UINT64_MAX: any number
  double share;   // 1: any share
} RejectBudget;

typedef struct RuleBudget {
  const char *rule; // name of a rule, or of a reason the reader rejects for
  RejectBudget allowed;
} RuleBudget;

typedef struct EngineOptions {
  const Program *program; // NULL: no clean stream. Borrowed, must outlive the engine
  bool lua_rules;         // blocks pass through the calling thread (engine_wait gives them out)
  bool clean_position;    // the clean stream ends with _file_id, _line
  bool clean_text;        // the clean stream is in COPY's text format: program_needs_text
  unsigned workers;       // from 1 to MAX_WORKERS
  unsigned files;         // in progress at once, from 1 to MAX_FILES
  size_t memory;          // bytes all blocks may hold together; one block is always allowed
  int64_t run_id;         // for rejects
  const char *table;      // for rejects; borrowed
  Asker *asker;           // NULL, or reads values that types cannot; the engine frees it
  bool careful;           // the clean stream goes in parts, each under a savepoint: what the server
                          // refuses is a reject. One stream, rejects to a file
  const char *copy;       // careful: the clean stream's statement; borrowed
  bool may_drop;          // the server may store other rows than were sent
  bool tell_lines;        // a failure of the clean stream tells file and line
  FILE *reject_file;    // NULL, or where the rows of the rejects stream go instead of a connection
                        // (no header, no trailer); the engine closes it
  RejectBudget rejects; // of all files together
  const RuleBudget *rule_budgets; // borrowed, must outlive the engine
  size_t rule_budget_count;
  uint64_t expected_bytes; // of all files together, as compressed; 0: unknown
  const uint32_t *key; // columns of the program; NULL: rows with a key that came before go as all
                       // others do. Borrowed
  size_t key_count;
  FILE *repeats; // with `key`: where they go instead (row_put_repeat); the engine closes it
  // NULL, or what gets the records, at engine_finish: those that passed, and the readable ones with
  // a text per raw column. Borrowed
  Profile *profile;
  Profile *raw_profile;
} EngineOptions;

typedef struct Counts {
  uint64_t records;    // read: loaded + rejected + filtered
  uint64_t loaded;     // passed the rules (without a program: readable)
  uint64_t rejected;   // unreadable ones included
  uint64_t unreadable; // rejects and filtered that can be in neither table
  uint64_t filtered;
  uint64_t bytes;                 // consumed from the source
  uint64_t input_bytes;           // of the file itself, as compressed: see source_in_file
  uint64_t repairs[REPAIR_KINDS]; // what was changed so that it could be read
  Lines lines;                    // of the bytes
} Counts;

// One file to load. Maps are copied. The caller owns `source` and `name`, but only the engine's
// threads may use them until the file is done.
typedef struct FileTask {
  Source *source;
  const char *name; // for messages
  int64_t file_id;
  const uint32_t *raw_map; // source column per raw column
  size_t raw_count;
  const uint32_t *clean_map; // source column per program column
  bool table_source;         // records open with _file_id and _line: they are its position
  RejectBudget rejects;      // of this file
  uint64_t expected_bytes;   // its size, as compressed; 0: unknown
} FileTask;

#endif
