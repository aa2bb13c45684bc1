// The engine and its blocks, shared by the files of load/. For load/ only.
//
// One lock guards everything that more than one thread touches; a block is otherwise owned by the
// one thread that has taken it from a queue. Blocks pass these places:
//
//   idle -> (splitter) -> cut -> (worker: tokenise) -> ring, in order of sequence -> checked
//        -> (worker, or the caller for Lua rules: rules, encode) -> each stream's queue -> idle
#ifndef PGHOST_LOAD_SHARED_H
#define PGHOST_LOAD_SHARED_H

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "load/queue.h"
#include "load/types.h"

enum { CHUNK_TARGET = 64 * 1024 };

// A file in progress, with its own maps. Each file checks its cuts and undoes its wrong ones.
typedef struct Task {
  FileTask file;
  uint32_t *raw_map;
  uint32_t *clean_map;
  uint64_t start;        // bytes before its first record: header, and what is skipped
  uint64_t serial;       // tells a worker that its reader belongs to another file
  bool split;            // the splitter has reached the end
  bool cut_by_caller;    // right now, instead of by the splitter
  uint64_t cut;          // blocks cut so far: the next sequence number
  uint64_t checked;      // blocks whose start is known to be a record's start
  uint64_t encoded;      // blocks that have been through the rules
  uint64_t profile_file; // profile_file of its name
  Counts counts;
  Block **ring; // tokenised blocks at sequence % block_count, until those before them are checked
  size_t ring_count;
  bool recut;                 // a cut was wrong: the splitter undoes it and all later ones
  Buffer leftover;            // the bytes after the last certain record end
  size_t leftover_unfinished; // of them, without a record end
  Position leftover_position;
} Task;

// Where a row of a block ends, and which record it belongs to.
typedef struct RowMark {
  size_t end;
  int64_t line;
  size_t record;
} RowMark;

// Which lines a block that was sent had, and how many rows went before it.
typedef struct Place {
  uint64_t first, count;
  int64_t file_id;
  int64_t *lines;
  size_t room;
} Place;

enum { PLACES = 512 }; // more blocks than can be on their way to the server

struct OddColumn;

// Of one thread; NULL: not asked for.
typedef struct Profiles {
  Profile *clean, *raw;
} Profiles;

struct Block {
  Task *task; // from the cut until the block is encoded, else NULL
  Chunk chunk;
  Batch batch;
  Buffer out[STREAM_KINDS];
  Buffer marks;        // RowMark per clean row
  Buffer reject_marks; // the same per row of the rejects
  Buffer odd_cells; // values that the server is asked for (odd.c), their texts, the rows with them
  Buffer odd_texts;
  Buffer completed;
  Dialect dialect; // its file's dialect and id: the file may be done before the block
  int64_t file_id;
  Buffer original; // bytes of a reject as in its file
  Buffer hashes;   // of the keys, a uint64_t per clean row
  Buffer repeats;  // clean rows with a key that came before
  uint64_t repeat_rows;
  uint64_t rows[STREAM_KINDS];
  uint64_t sequence;
  size_t consumed; // bytes the reader took
  Position end;    // position after them
  Counts counts;
  uint64_t *rule_rejects; // per rule with a budget
  Profiles profiles;      // of the thread that runs the rules
  unsigned pending;       // streams that still have to send it
  size_t next;            // engine_block_next: the record that comes next
  size_t held;            // bytes that it counts with in the budget of memory (memory.c)
};

typedef struct Stream {
  Engine *engine;
  StreamKind kind;
  PGconn *conn;
  pthread_t thread;
  bool started;
  bool open; // in COPY state
  uint64_t rows;
  Place *places;   // a ring of PLACES, or NULL
  uint64_t blocks; // sent, as those in the ring
  uint64_t sent;   // rows
  char table[256]; // without its schema
} Stream;

enum { MAX_STREAMS = STREAM_KINDS * MAX_WORKERS };

typedef struct Worker {
  Engine *engine;
  pthread_t thread;
  Reader *reader;
  uint64_t reader_serial;
  Scratch *scratch;
  Profiles profiles;
} Worker;

// Where the load ends early, and why (stop.c).
typedef struct Stop {
  bool set;
  uint64_t serial, sequence; // of the task and the block
  Error error;
} Stop;

struct Engine {
  EngineOptions options;
  pthread_mutex_t lock;
  pthread_cond_t splitter_turn, worker_turn, caller_turn, sender_turn[STREAM_KINDS];
  atomic_int stop;         // set once: all threads stop
  atomic_int stop_rejects; // set with it, unless the rejects found so far are to be kept
  bool failed;
  Error error; // the first one
  Stop first_stop;
  bool closing; // no more blocks will come: senders leave when their queue is empty
  bool threads_started;
  pthread_t splitter;
  bool splitter_started;
  Worker workers[MAX_WORKERS];
  unsigned worker_count; // started
  Stream streams[MAX_STREAMS];
  unsigned stream_count;
  unsigned kinds[STREAM_KINDS]; // streams per kind
  Block *blocks;
  size_t block_count;
  Queue idle, cut, checked, lua, outgoing[STREAM_KINDS];
  Task tasks[MAX_FILES]; // a ring of options.files: those in progress, oldest first
  unsigned task_first, task_count;
  uint64_t task_serial;
  Scratch *caller_scratch;
  Profiles caller_profiles;
  Counts total;
  struct OddColumn *odd_columns; // per column of the program
  pthread_mutex_t asker_lock;
  Buffer refused;         // file ids (int64_t) of records the server refused after the rules
  uint64_t start_bytes;   // task_start_bytes of the files that are done
  uint64_t *rule_rejects; // per rule with a budget
  uint64_t sent_rows[STREAM_KINDS];
  struct Keys *keys; // NULL: repeated keys are not tracked
  uint64_t repeat_rows;
  bool hurry;      // a thread waits for blocks to be sent: senders wake for each one
  size_t held;     // bytes of all blocks
  size_t expected; // for the next block: the bytes of the last one
};

// Records the first failure and stops all threads. Takes the lock.
void engine_fail(Engine *engine, const Error *error);

// The same where the lock is held.
void engine_fail_locked(Engine *engine, const Error *error);

void engine_wake(Engine *engine); // everybody

// With `hurry` blocks no longer wait in the streams' queues; without, they may again. The lock is
// held.
void engine_hurry(Engine *engine, bool hurry);

// The time that far from now, for waits on caller_turn and sender_turn.
struct timespec engine_deadline(int timeout_ms);

// The file that was started `i` files after the oldest in progress.
Task *engine_task(Engine *engine, unsigned i);

bool task_done(const Task *task); // every record is encoded, though not sent

#endif
