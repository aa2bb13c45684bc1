// The options of pghost.native.load, from Lua tables to the engine's.
#include "lua/load_options.h"

#include <errno.h>
#include <lauxlib.h>
#include <string.h>

#include "lua/boxes.h"
#include "lua/rules_functions.h"

static uint64_t read_size(lua_State *L, int options, const char *name, uint64_t absent) {
  lua_getfield(L, options, name);
  lua_Integer size = luaL_optinteger(L, -1, -1);
  lua_pop(L, 1);
  return size < 0 ? absent : (uint64_t)size;
}

// The fields limit and share of the table at `options`.
static RejectBudget read_budget(lua_State *L, int options) {
  lua_getfield(L, options, "share");
  RejectBudget budget = {.limit = read_size(L, options, "limit", UINT64_MAX),
                         .share = luaL_optnumber(L, -1, 1)};
  lua_pop(L, 1);
  return budget;
}

// How many entries the table at the top of the stack has.
static size_t count_entries(lua_State *L) {
  size_t count = 0;
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
    count++;
  return count;
}

// rules = { name = { limit =, share = } } of the table at `rejects`.
static void read_rule_budgets(lua_State *L, int references, int rejects, EngineOptions *options) {
  if (lua_getfield(L, rejects, "rules") != LUA_TTABLE) {
    lua_pop(L, 1);
    return;
  }
  int rules = lua_gettop(L);
  size_t count = count_entries(L);
  RuleBudget *budgets = lua_newuserdatauv(L, (count + 1) * sizeof *budgets, 0);
  luaL_ref(L, references);
  for (lua_pushnil(L); lua_next(L, rules); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING || !lua_istable(L, -1))
      luaL_error(L, "rejects.rules: names of rules and their budgets expected");
    budgets[options->rule_budget_count++] =
        (RuleBudget){lua_tostring(L, -2), read_budget(L, lua_gettop(L))};
  }
  options->rule_budgets = budgets;
  luaL_ref(L, references); // the table of names
}

static void read_reject_options(lua_State *L, int table, int references, EngineOptions *options) {
  options->rejects = (RejectBudget){UINT64_MAX, 1};
  if (lua_getfield(L, table, "rejects") == LUA_TTABLE) {
    int rejects = lua_gettop(L);
    options->rejects = read_budget(L, rejects);
    options->expected_bytes = read_size(L, rejects, "expected_bytes", 0);
    read_rule_budgets(L, references, rejects, options);
    lua_getfield(L, rejects, "run_id");
    options->run_id = luaL_optinteger(L, -1, 0);
    lua_getfield(L, rejects, "table");
    options->table = luaL_optstring(L, -1, NULL);
    lua_setfield(L, references, "table");
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

static void read_program(lua_State *L, int table, int references, EngineOptions *options) {
  if (lua_getfield(L, table, "program") == LUA_TNIL) {
    lua_pop(L, 1);
    return;
  }
  ProgramBox *program = luaL_checkudata(L, -1, PROGRAM_TYPE);
  if (!program->program)
    luaL_error(L, "program is closed");
  options->program = program->program;
  options->lua_rules = lua_rules_present(L, lua_gettop(L));
  lua_setfield(L, references, "program");
}

// Whether a field of the table at `table` is true.
static bool read_flag(lua_State *L, int table, const char *name) {
  lua_getfield(L, table, name);
  bool flag = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return flag;
}

// Whether the rows of the table at `clean` go as text.
static bool read_format(lua_State *L, int clean) {
  static const char *const formats[] = {"binary", "text"};
  const char *format =
      lua_getfield(L, clean, "format") == LUA_TNIL ? formats[0] : lua_tostring(L, -1);
  bool is_text = format && strcmp(format, formats[1]) == 0;
  if (!format || (!is_text && strcmp(format, formats[0]) != 0))
    luaL_error(L, "clean: format must be 'binary' or 'text'");
  lua_pop(L, 1);
  return is_text;
}

// key = { column of the program, from 1, ... }, repeats = path.
static void read_key(lua_State *L, int clean, int references, EngineOptions *options) {
  if (lua_getfield(L, clean, "key") == LUA_TNIL) {
    lua_pop(L, 1);
    return;
  }
  int list = lua_gettop(L);
  size_t columns = options->program ? program_column_count(options->program) : 0;
  luaL_checktype(L, list, LUA_TTABLE);
  options->key_count = (size_t)luaL_len(L, list);
  uint32_t *key = lua_newuserdatauv(L, (options->key_count + 1) * sizeof *key, 0);
  luaL_ref(L, references);
  for (size_t i = 0; i < options->key_count; i++) {
    lua_geti(L, list, (lua_Integer)i + 1);
    lua_Integer column = luaL_checkinteger(L, -1);
    if (column < 1 || column > (lua_Integer)columns)
      luaL_error(L, "clean.key: no column %I", column);
    key[i] = (uint32_t)(column - 1);
    lua_pop(L, 1);
  }
  options->key = key;
  for (size_t i = 0; i < columns; i++)
    if (program_column_ask(options->program, i))
      luaL_error(L, "clean.key: the server reads a column");
  if (!options->clean_position || options->clean_text || options->careful)
    luaL_error(L, "clean.key: rows in binary with their position expected");
  if (lua_getfield(L, clean, "repeats") != LUA_TSTRING)
    luaL_error(L, "clean.key: repeats, a path, expected");
  lua_pop(L, 2);
}

// The format must be text where the program needs it.
static void read_clean(lua_State *L, int clean, int references, EngineOptions *options) {
  options->clean_position = read_flag(L, clean, "position");
  options->clean_text = read_format(L, clean);
  options->careful = read_flag(L, clean, "careful");
  options->tell_lines = options->careful || read_flag(L, clean, "tell_lines");
  options->may_drop = read_flag(L, clean, "may_drop");
  lua_getfield(L, clean, "copy");
  options->copy = lua_tostring(L, -1);
  lua_setfield(L, references, "copy"); // keeps it
  if (options->program && program_needs_text(options->program) && !options->clean_text)
    luaL_error(L, "clean: a column's type can only be sent as text: format = 'text'");
  read_key(L, clean, references, options);
}

// The profile of that name, which the load keeps; NULL: none is given.
static Profile *read_profile(lua_State *L, int table, int references, const char *name) {
  if (lua_getfield(L, table, name) == LUA_TNIL) {
    lua_pop(L, 1);
    return NULL;
  }
  ProfileBox *box = luaL_checkudata(L, -1, PROFILE_TYPE);
  lua_setfield(L, references, name);
  return box->profile;
}

static void read_profiles(lua_State *L, int table, int references, EngineOptions *options) {
  options->profile = read_profile(L, table, references, "profile");
  options->raw_profile = read_profile(L, table, references, "raw_profile");
  if (options->profile && (!options->program || options->profile->program != options->program))
    luaL_error(L, "profile: not of this program");
  if (options->raw_profile && !profile_is_of_texts(options->raw_profile))
    luaL_error(L, "raw_profile: not of texts alone");
}

EngineOptions load_read_options(lua_State *L, int table, int references) {
  EngineOptions options = {0};
  int top = lua_gettop(L);
  read_program(L, table, references, &options);
  read_profiles(L, table, references, &options);
  read_reject_options(L, table, references, &options);
  lua_getfield(L, table, "workers");
  lua_Integer workers = luaL_optinteger(L, -1, 1);
  if (workers < 1 || workers > MAX_WORKERS)
    luaL_error(L, "workers must be from 1 to %d: %I", (int)MAX_WORKERS, workers);
  options.workers = (unsigned)workers;
  options.files = options.workers + 1; // the next one is opened while the workers are busy
  options.memory = (size_t)read_size(L, table, "memory", DEFAULT_MEMORY);
  if (lua_getfield(L, table, "clean") == LUA_TTABLE)
    read_clean(L, lua_gettop(L), references, &options);
  lua_settop(L, top);
  return options;
}

// The file at the path in field `name` of the table at field `stream`, where there is one.
static bool open_file(lua_State *L, int table, const char *stream, const char *name, FILE **file,
                      Error *error) {
  const char *path = NULL;
  if (lua_getfield(L, table, stream) == LUA_TTABLE && lua_getfield(L, -1, name) == LUA_TSTRING)
    path = lua_tostring(L, -1);
  *file = path ? fopen(path, "ab") : NULL;
  if (path && !*file)
    return error_set_errno(error, errno, "could not open '%s'", path);
  return true;
}

bool load_open_files(lua_State *L, int table, EngineOptions *options, Error *error) {
  if (!open_file(L, table, "rejects", "path", &options->reject_file, error))
    return false;
  if (options->key && !open_file(L, table, "clean", "repeats", &options->repeats, error)) {
    load_close_files(options);
    return false;
  }
  return true;
}

void load_close_files(const EngineOptions *options) {
  if (options->reject_file)
    fclose(options->reject_file);
  if (options->repeats)
    fclose(options->repeats);
}

// Files -------------------------------------------------------------------------------------------

// The column map at field `name` of the table at `table`, as a userdata block left on the stack:
// source columns from 1, or 0 (false, nothing) where the file has none.
static const uint32_t *read_map(lua_State *L, int table, const char *name, size_t columns,
                                size_t *count) {
  int list = lua_gettop(L) + 1;
  *count = lua_getfield(L, table, name) == LUA_TTABLE ? (size_t)luaL_len(L, list) : 0;
  uint32_t *map = lua_newuserdatauv(L, (*count + 1) * sizeof *map, 0);
  for (size_t i = 0; i < *count; i++) {
    lua_geti(L, list, (lua_Integer)i + 1);
    lua_Integer column = lua_toboolean(L, -1) ? luaL_checkinteger(L, -1) : 0;
    if (column < 0 || column > (lua_Integer)columns)
      luaL_error(L, "%s: no source column %I", name, column);
    map[i] = column == 0 ? COLUMN_ABSENT : (uint32_t)(column - 1);
    lua_pop(L, 1);
  }
  return map;
}

FileTask load_read_task(lua_State *L, int table, Source *source, const Program *program) {
  size_t columns = source_column_count(source), count;
  FileTask task = {.source = source, .rejects = {UINT64_MAX, 1}};
  lua_getfield(L, table, "name");
  task.name = luaL_optstring(L, -1, "source");
  lua_getfield(L, table, "file_id");
  task.file_id = luaL_optinteger(L, -1, 0);
  task.table_source = read_flag(L, table, "table_source");
  if (lua_getfield(L, table, "rejects") == LUA_TTABLE)
    task.rejects = read_budget(L, lua_gettop(L));
  task.expected_bytes = read_size(L, table, "expected_bytes", 0);
  task.raw_map = read_map(L, table, "raw_map", columns, &task.raw_count);
  task.clean_map = read_map(L, table, "clean_map", columns, &count);
  size_t expected = program ? program_column_count(program) : 0;
  if (count != expected)
    luaL_error(L, "clean_map: %d columns expected", (int)expected);
  for (size_t i = 0; i < count; i++)
    if (task.clean_map[i] == COLUMN_ABSENT)
      luaL_error(L, "clean_map: column %d is not in the source", (int)i + 1);
  return task;
}
