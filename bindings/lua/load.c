// pghost.native.load: CSV files or a table through rules into COPY streams.
//
// One userdata, the load: opened over connections that are inside the caller's transactions, fed
// file by file, finished or aborted. It moves records and counts them; tables, transactions,
// the meaning of rejects and everything else a user may want otherwise are Lua's (scripts/pghost).
#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>
#include <string.h>

#include "load/copy_input.h"
#include "load/engine.h"
#include "lua/boxes.h"
#include "lua/failure.h"
#include "lua/load_counts.h"
#include "lua/load_options.h"
#include "lua/native.h"
#include "lua/pg.h"
#include "lua/rules_functions.h"
#include "lua/userdata.h"

#define LOAD_TYPE "pghost.native.load"

enum {
  MAX_BOXES = 256,
  PROGRESS_MS = 100,
  REFERENCES = 1, // user value: { program =, [1..n] = connections, table =, [source] = true }
};

// A file under way: its source, and the box that gets it back when it is done.
typedef struct FileBox {
  SourceBox *box;
  Source *source;
} FileBox;

typedef struct LoadBox {
  Engine *engine;            // NULL: closed
  ConnBox *conns[MAX_BOXES]; // busy with this load; kept alive by the user value
  int conn_count;
  const Program *program;   // kept alive by the user value; or NULL
  FileBox files[MAX_FILES]; // under way, from the oldest on; their boxes are kept by the user value
  unsigned file_count;
  bool finished; // streams are ended; only cleaning() is left to ask
} LoadBox;

static LoadBox *check_load(lua_State *L) {
  LoadBox *box = luaL_checkudata(L, 1, LOAD_TYPE);
  if (!box->engine)
    luaL_error(L, "load is closed");
  return box;
}

static void release_conns(LoadBox *box) {
  for (int i = 0; i < box->conn_count; i++)
    box->conns[i]->busy = NULL;
  box->conn_count = 0;
}

// Sources in progress are closed too: what they gave is lost.
static void close_load(LoadBox *box) {
  engine_free(box->engine);
  box->engine = NULL;
  for (unsigned i = 0; i < box->file_count; i++)
    source_close(box->files[i].source);
  box->file_count = 0;
  release_conns(box);
}

// __close, __gc and abort: ends what is unfinished. Twice is fine.
static int load_close(lua_State *L) {
  close_load(luaL_checkudata(L, 1, LOAD_TYPE));
  return 0;
}

static LoadBox *new_load(lua_State *L) {
  LoadBox *box = lua_newuserdatauv(L, sizeof *box, 1);
  *box = (LoadBox){0};
  luaL_setmetatable(L, LOAD_TYPE);
  lua_newtable(L);
  lua_setiuservalue(L, -2, REFERENCES);
  return box;
}

// Keeps the value on top of the stack alive as long as the load at `load`; pops it.
static void keep(lua_State *L, int load, const char *name) {
  lua_getiuservalue(L, load, REFERENCES);
  lua_insert(L, -2);
  if (name)
    lua_setfield(L, -2, name);
  else
    luaL_ref(L, -2);
  lua_pop(L, 1);
}

static void take_conn(lua_State *L, LoadBox *box, ConnBox *conn) {
  if (!conn->conn)
    luaL_error(L, "connection is closed");
  if (conn->busy)
    luaL_error(L, "connection is busy with %s", conn->busy);
  if (box->conn_count == MAX_BOXES)
    luaL_error(L, "more than %d connections for one load", MAX_BOXES);
  box->conns[box->conn_count++] = conn;
  conn->busy = "a load";
}

// The stream description { conn = connection | list of connections, copy = statement } on top.
static bool add_streams(lua_State *L, LoadBox *box, int load, StreamKind kind, Error *error) {
  int stream = lua_gettop(L);
  if (lua_getfield(L, stream, "copy") != LUA_TSTRING)
    luaL_error(L, "a stream needs copy, the statement");
  const char *copy = lua_tostring(L, -1);
  lua_getfield(L, stream, "conn");
  bool list = lua_type(L, -1) == LUA_TTABLE;
  lua_Integer count = list ? luaL_len(L, -1) : 1;
  for (lua_Integer i = 1; i <= count; i++) {
    if (list)
      lua_geti(L, stream + 2, i);
    else
      lua_pushvalue(L, stream + 2);
    ConnBox *conn = luaL_checkudata(L, -1, CONN_TYPE);
    keep(L, load, NULL);
    take_conn(L, box, conn);
    if (!engine_add_stream(box->engine, kind, conn->conn, copy, error))
      return false;
  }
  return true;
}

// The asker for values that the program's types cannot read: connects like the first connection of
// clean.
static bool make_asker(lua_State *L, EngineOptions *options, Error *error) {
  bool asks = false;
  for (size_t i = 0; options->program && i < program_column_count(options->program); i++)
    asks = asks || program_column_ask(options->program, i);
  if (!asks || lua_getfield(L, 1, "clean") != LUA_TTABLE)
    return true;
  if (lua_getfield(L, -1, "conn") == LUA_TTABLE)
    lua_geti(L, -1, 1);
  ConnBox *conn = luaL_checkudata(L, -1, CONN_TYPE);
  if (!conn->conn)
    luaL_error(L, "connection is closed");
  options->asker = asker_new(conn->conn);
  return options->asker || error_set(error, "ENOMEM", "out of memory");
}

// Takes over the files, even if there is no memory for an engine.
static bool make_engine(lua_State *L, LoadBox *box, EngineOptions *options, Error *error) {
  if (!make_asker(L, options, error) || !load_open_files(L, 1, options, error)) {
    asker_free(options->asker);
    return false;
  }
  box->engine = engine_new(options, error);
  if (!box->engine) {
    load_close_files(options);
    asker_free(options->asker);
  }
  return box->engine != NULL;
}

// Whether this stream goes over connections: rejects may go to a file instead.
static bool has_stream(lua_State *L, const char *name) {
  if (lua_getfield(L, 1, name) != LUA_TTABLE)
    return false;
  bool to_file = lua_getfield(L, -1, "path") != LUA_TNIL;
  lua_pop(L, 1);
  return !to_file;
}

// load.open{ program =, raw =, clean =, rejects =, workers = } -> load | nil, message, code
static int load_open(lua_State *L) {
  static const char *const names[STREAM_KINDS] = {"raw", "clean", "rejects"};
  Error error;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  LoadBox *box = new_load(L);
  lua_getiuservalue(L, 2, REFERENCES);
  EngineOptions options = load_read_options(L, 1, 3);
  box->program = options.program;
  bool ok = make_engine(L, box, &options, &error);
  lua_settop(L, 2);
  for (int kind = 0; ok && kind < STREAM_KINDS; kind++) {
    if (has_stream(L, names[kind]))
      ok = add_streams(L, box, 2, (StreamKind)kind, &error);
    lua_settop(L, 2);
  }
  if (ok)
    return 1;
  close_load(box);
  return push_failure(L, &error);
}

// Runs the rules written in Lua over a block. Never raises: lua_rules_run catches.
static void run_lua_block(lua_State *L, LoadBox *box, int program, Block *block) {
  Scratch *scratch;
  while (engine_block_next(box->engine, block, &scratch)) {
    Verdict verdict = lua_rules_run(L, program, scratch);
    if (verdict == VERDICT_STOP) {
      engine_block_fail(box->engine, block, scratch_reject(scratch)->reason);
      return;
    }
    engine_block_verdict(box->engine, block, verdict);
  }
  engine_block_done(box->engine, block);
}

// Calls the function at `progress` with what all files have given so far, in bytes as they lie on
// the disk. False: it raised, its error is on top of the stack.
static bool call_progress(lua_State *L, LoadBox *box, int progress) {
  if (lua_isnoneornil(L, progress))
    return true;
  Counts total;
  engine_counts(box->engine, &total);
  lua_pushvalue(L, progress);
  lua_pushinteger(L, (lua_Integer)total.records);
  lua_pushinteger(L, (lua_Integer)total.input_bytes);
  return lua_pcall(L, 2, 0, 0) == LUA_OK;
}

typedef enum FileEnd { FILE_DONE, FILE_FAILED, FILE_RAISED } FileEnd;

static FileEnd wait_file(lua_State *L, LoadBox *box, int program, int progress, Counts *counts,
                         Error *error) {
  Block *block;
  for (;;) {
    switch (engine_wait(box->engine, PROGRESS_MS, &block, counts, error)) {
    case WAIT_BLOCK:
      run_lua_block(L, box, program, block);
      break;
    case WAIT_TIMEOUT:
      if (!call_progress(L, box, progress))
        return FILE_RAISED;
      break;
    case WAIT_DONE:
      return FILE_DONE;
    case WAIT_FAILED:
      return FILE_FAILED;
    }
  }
}

static LoadBox *check_unfinished(lua_State *L) {
  LoadBox *box = check_load(L);
  if (box->finished)
    luaL_error(L, "load is finished");
  return box;
}

// Keeps the source of a file under way, and its name, alive.
static void keep_source(lua_State *L, SourceBox *source) {
  lua_getiuservalue(L, 1, REFERENCES);
  lua_pushvalue(L, 2);
  lua_rawsetp(L, -2, source);
  lua_getfield(L, 3, "name");
  lua_rawsetp(L, -2, &source->cursor); // a second key of this source
  lua_pop(L, 1);
}

static void drop_source(lua_State *L, SourceBox *source) {
  lua_getiuservalue(L, 1, REFERENCES);
  lua_pushnil(L);
  lua_rawsetp(L, -2, source);
  lua_pushnil(L);
  lua_rawsetp(L, -2, &source->cursor);
  lua_pop(L, 1);
}

// Starts the file of the arguments 2 and 3. False: error filled, the load is closed.
static bool start_file(lua_State *L, LoadBox *box, Error *error) {
  SourceBox *source = luaL_checkudata(L, 2, SOURCE_TYPE);
  luaL_checktype(L, 3, LUA_TTABLE);
  luaL_argcheck(L, source->source, 2, "source is closed");
  luaL_argcheck(L, !source->cursor, 2, "some records of the source have been read already");
  if (!engine_has_room(box->engine))
    luaL_error(L, "no room for a further file: see load:has_room()");
  FileTask task = load_read_task(L, 3, source->source, box->program);
  keep_source(L, source);
  if (!engine_start_file(box->engine, &task, error)) {
    close_load(box);
    return false;
  }
  box->files[box->file_count++] = (FileBox){source, task.source};
  source->source = NULL; // the engine's until the file is done
  return true;
}

// Gives the source of the oldest file, which is done, back to its box.
static Source *give_back(LoadBox *box) {
  FileBox file = box->files[0];
  box->file_count--;
  memmove(box->files, box->files + 1, box->file_count * sizeof file);
  file.box->source = file.source;
  return file.source;
}

// Waits for the oldest file under way, with the progress function at `progress`; pushes its counts,
// or nil, message, code with the load closed.
static int finish_file(lua_State *L, LoadBox *box, int progress) {
  Error error;
  Counts counts;
  lua_getiuservalue(L, 1, REFERENCES);
  lua_getfield(L, -1, "program");
  FileEnd end = wait_file(L, box, lua_gettop(L), progress, &counts, &error);
  if (end != FILE_DONE)
    close_load(box);
  if (end == FILE_RAISED)
    return lua_error(L);
  if (end == FILE_FAILED)
    return push_failure(L, &error);
  SourceBox *done = box->files[0].box;
  Source *source = give_back(box);
  drop_source(L, done);
  load_push_file_counts(L, &counts, source);
  return 1;
}

// load:has_room() -> whether a further file may be started now
static int load_has_room(lua_State *L) {
  lua_pushboolean(L, engine_has_room(check_unfinished(L)->engine));
  return 1;
}

// load:start(source, { name =, file_id =, raw_map =, clean_map =, table_source = }) -> true | nil,
// message, code. The source is the load's until load:next() has given its counts.
static int load_start(lua_State *L) {
  Error error;
  LoadBox *box = check_unfinished(L);
  lua_settop(L, 3);
  if (!start_file(L, box, &error))
    return push_failure(L, &error);
  lua_pushboolean(L, true);
  return 1;
}

// load:next(progress) -> counts of the oldest file under way | nil, message, code. After a failure
// the load and the sources under way are closed.
static int load_next(lua_State *L) {
  LoadBox *box = check_unfinished(L);
  lua_settop(L, 2);
  if (box->file_count == 0)
    return luaL_error(L, "no file is under way");
  return finish_file(L, box, 2);
}

// load:file(source, { ..., progress = }) -> counts | nil, message, code: load:start and load:next
static int load_file(lua_State *L) {
  Error error;
  LoadBox *box = check_unfinished(L);
  lua_settop(L, 3);
  if (box->file_count > 0)
    return luaL_error(L, "another file is under way");
  if (!start_file(L, box, &error))
    return push_failure(L, &error);
  lua_getfield(L, 3, "progress");
  return finish_file(L, box, lua_gettop(L));
}

// Sets refused = { [file id] = number of records } in the table on top.
static void push_refused(lua_State *L, const Engine *engine) {
  size_t count;
  const int64_t *ids = engine_refused(engine, &count);
  lua_newtable(L);
  for (size_t i = 0; i < count; i++) {
    lua_Integer before = lua_geti(L, -1, ids[i]) == LUA_TNIL ? 0 : lua_tointeger(L, -1);
    lua_pop(L, 1);
    lua_pushinteger(L, before + 1);
    lua_seti(L, -2, ids[i]);
  }
  lua_setfield(L, -2, "refused");
}

// Sets repeats, the number of rows that went there, and keys_complete in the table on top.
static void push_repeats(lua_State *L, const Engine *engine) {
  bool complete;
  lua_pushinteger(L, (lua_Integer)engine_repeats(engine, &complete));
  lua_setfield(L, -2, "repeats");
  lua_pushboolean(L, complete);
  lua_setfield(L, -2, "keys_complete");
}

// load:odd() -> list of { column =, count =, file_id =, line =, text = }: what only the server
// could read; after finish.
static int load_odd(lua_State *L) {
  LoadBox *box = check_load(L);
  if (!box->finished)
    return luaL_error(L, "load is not finished");
  lua_newtable(L);
  size_t columns = box->program ? program_column_count(box->program) : 0;
  for (size_t i = 0; i < columns; i++) {
    OddValues odd;
    if (!engine_odd_values(box->engine, i, &odd))
      continue;
    lua_createtable(L, 0, 5);
    lua_pushstring(L, program_column_name(box->program, i));
    lua_setfield(L, -2, "column");
    lua_pushinteger(L, (lua_Integer)odd.count);
    lua_setfield(L, -2, "count");
    lua_pushinteger(L, odd.file_id);
    lua_setfield(L, -2, "file_id");
    lua_pushinteger(L, odd.line);
    lua_setfield(L, -2, "line");
    lua_pushstring(L, odd.text);
    lua_setfield(L, -2, "text");
    lua_seti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  }
  return 1;
}

// load:finish() -> totals | nil, message, code
static int load_finish(lua_State *L) {
  Error error;
  uint64_t rows[STREAM_KINDS];
  LoadBox *box = check_unfinished(L);
  if (box->file_count > 0)
    return luaL_error(L, "a file is under way: load:next() first");
  box->finished = true;
  if (!engine_finish(box->engine, rows, &error)) {
    close_load(box);
    return push_failure(L, &error);
  }
  release_conns(box);
  Counts total;
  engine_counts(box->engine, &total);
  load_push_counts(L, &total);
  load_set_rows(L, rows);
  push_refused(L, box->engine);
  push_repeats(L, box->engine);
  return 1;
}

// load:cleaning() -> list of { column =, rule =, count =, samples = { { before =, after = } } }:
// what cleaning changed; after finish.
static int load_cleaning(lua_State *L) {
  LoadBox *box = check_load(L);
  if (!box->finished)
    return luaL_error(L, "load is not finished");
  lua_newtable(L);
  size_t slots = box->program ? program_count_slots(box->program) : 0;
  for (size_t i = 0; i < slots; i++) {
    RuleCount count;
    engine_rule_count(box->engine, i, &count);
    if (count.count == 0)
      continue;
    load_push_rule_count(L, &count);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  }
  return 1;
}

// Connections and statements of table_source, borrowed from the lists at 1 and 2.
typedef struct Readers {
  PGconn *conns[MAX_COPY_READERS];
  const char *copies[MAX_COPY_READERS];
  size_t count;
} Readers;

static void check_readers(lua_State *L, Readers *readers) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  readers->count = lua_rawlen(L, 1);
  luaL_argcheck(L, readers->count > 0 && readers->count <= MAX_COPY_READERS, 1,
                "1 to 64 connections expected");
  luaL_argcheck(L, lua_rawlen(L, 2) == readers->count, 2, "a statement per connection expected");
  for (size_t i = 0; i < readers->count; i++) {
    lua_rawgeti(L, 1, (lua_Integer)i + 1);
    const ConnBox *conn = luaL_checkudata(L, -1, CONN_TYPE);
    lua_rawgeti(L, 2, (lua_Integer)i + 1);
    readers->copies[i] = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
    luaL_argcheck(L, readers->copies[i], 2, "list of strings expected");
    if (!conn->conn || conn->busy)
      luaL_argerror(L, 1, conn->conn ? "connection is busy" : "connection is closed");
    readers->conns[i] = conn->conn;
    lua_pop(L, 2);
  }
}

// load.table_source(conns, copies, columns, name) -> source | nil, message, code: the rows of a
// `COPY ... TO STDOUT` per connection as a source without a header. The connections are busy until
// it is closed.
static int load_table_source(lua_State *L) {
  Error error;
  Readers readers;
  check_readers(L, &readers);
  Dialect dialect = dialect_from_server();
  lua_Integer columns = luaL_checkinteger(L, 3);
  luaL_argcheck(L, columns > 0 && columns <= UINT16_MAX, 3, "a number of columns expected");
  dialect.columns = (uint32_t)columns;
  const char *name = luaL_optstring(L, 4, "table");
  SourceBox *box = lua_newuserdatauv(L, sizeof *box, 1);
  *box = (SourceBox){0};
  luaL_setmetatable(L, SOURCE_TYPE);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  Input *input = copy_input_open(readers.conns, readers.copies, readers.count, &error);
  box->source = input ? source_open(input, name, &dialect, &error) : NULL;
  if (!box->source)
    return push_failure(L, &error);
  source_leave_digest(box->source);
  return 1;
}

static const luaL_Reg methods[] = {
    {"has_room", load_has_room}, {"start", load_start},   {"next", load_next},
    {"file", load_file},         {"finish", load_finish}, {"abort", load_close},
    {"cleaning", load_cleaning}, {"odd", load_odd},       {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__gc", load_close},
    {"__close", load_close},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"open", load_open},
    {"table_source", load_table_source},
    {NULL, NULL},
};

int luaopen_pghost_native_load(lua_State *L) {
  userdata_define(L, LOAD_TYPE, metamethods, methods);
  luaL_newlib(L, functions);
  return 1;
}
