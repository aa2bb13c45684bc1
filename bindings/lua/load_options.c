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

static void read_reject_options(lua_State *L, int references, EngineOptions *options) {
  options->rejects = (RejectBudget){UINT64_MAX, 1};
  if (lua_getfield(L, 1, "rejects") == LUA_TTABLE) {
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

static void read_program(lua_State *L, int references, EngineOptions *options) {
  if (lua_getfield(L, 1, "program") == LUA_TNIL) {
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

// The table on top: position, and the format, which must be text where the program needs it.
static void read_clean(lua_State *L, int references, EngineOptions *options) {
  static const char *const formats[] = {"binary", "text"};
  int clean = lua_gettop(L);
  lua_getfield(L, clean, "position");
  options->clean_position = lua_toboolean(L, -1);
  const char *format =
      lua_getfield(L, clean, "format") == LUA_TNIL ? formats[0] : lua_tostring(L, -1);
  options->clean_text = format && strcmp(format, formats[1]) == 0;
  if (!format || (!options->clean_text && strcmp(format, formats[0]) != 0))
    luaL_error(L, "clean: format must be 'binary' or 'text'");
  lua_getfield(L, clean, "careful");
  options->careful = lua_toboolean(L, -1);
  lua_getfield(L, clean, "tell_lines");
  options->tell_lines = options->careful || lua_toboolean(L, -1);
  lua_getfield(L, clean, "may_drop");
  options->may_drop = lua_toboolean(L, -1);
  lua_getfield(L, clean, "copy");
  options->copy = lua_tostring(L, -1);
  lua_setfield(L, references, "copy"); // keeps it
  lua_pop(L, 3);
  if (options->program && program_needs_text(options->program) && !options->clean_text)
    luaL_error(L, "clean: a column's type can only be sent as text: format = 'text'");
  lua_pop(L, 2);
}

EngineOptions load_read_options(lua_State *L, int references) {
  EngineOptions options = {0};
  read_program(L, references, &options);
  read_reject_options(L, references, &options);
  lua_getfield(L, 1, "workers");
  lua_Integer workers = luaL_optinteger(L, -1, 1);
  if (workers < 1 || workers > MAX_WORKERS)
    luaL_error(L, "workers must be from 1 to %d: %I", (int)MAX_WORKERS, workers);
  options.workers = (unsigned)workers;
  options.files = options.workers + 1; // the next one is opened while the workers are busy
  if (lua_getfield(L, 1, "clean") == LUA_TTABLE)
    read_clean(L, references, &options);
  lua_pop(L, 2);
  return options;
}

bool load_open_reject_file(lua_State *L, EngineOptions *options, Error *error) {
  const char *path = NULL;
  if (lua_getfield(L, 1, "rejects") == LUA_TTABLE && lua_getfield(L, -1, "path") == LUA_TSTRING)
    path = lua_tostring(L, -1);
  options->reject_file = path ? fopen(path, "ab") : NULL;
  if (path && !options->reject_file)
    return error_set_errno(error, errno, "could not open '%s'", path);
  return true;
}

// Files -------------------------------------------------------------------------------------------

// The column map at field `name` of the table at 3, as a userdata block left on the stack: source
// columns from 1, or 0 (false, nothing) where the file has none.
static const uint32_t *read_map(lua_State *L, const char *name, size_t columns, size_t *count) {
  int list = lua_gettop(L) + 1;
  *count = lua_getfield(L, 3, name) == LUA_TTABLE ? (size_t)luaL_len(L, list) : 0;
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

FileTask load_read_task(lua_State *L, Source *source, const Program *program) {
  size_t columns = source_column_count(source), count;
  FileTask task = {.source = source, .rejects = {UINT64_MAX, 1}};
  lua_getfield(L, 3, "name");
  task.name = luaL_optstring(L, -1, "source");
  lua_getfield(L, 3, "file_id");
  task.file_id = luaL_optinteger(L, -1, 0);
  lua_getfield(L, 3, "table_source");
  task.table_source = lua_toboolean(L, -1);
  if (lua_getfield(L, 3, "rejects") == LUA_TTABLE)
    task.rejects = read_budget(L, lua_gettop(L));
  task.expected_bytes = read_size(L, 3, "expected_bytes", 0);
  task.raw_map = read_map(L, "raw_map", columns, &task.raw_count);
  task.clean_map = read_map(L, "clean_map", columns, &count);
  size_t expected = program ? program_column_count(program) : 0;
  if (count != expected)
    luaL_error(L, "clean_map: %d columns expected", (int)expected);
  for (size_t i = 0; i < count; i++)
    if (task.clean_map[i] == COLUMN_ABSENT)
      luaL_error(L, "clean_map: column %d is not in the source", (int)i + 1);
  return task;
}
