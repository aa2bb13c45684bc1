// pghost.native.csv: CSV sources, for loads and for exploring.
//
// One userdata type, the source (SourceBox). A load takes the source over; a script that explores
// asks for its records one by one. Nothing here decides what a field means.
#include <lauxlib.h>
#include <lua.h>
#include <string.h>

#include "bindings.h"
#include "boxes.h"
#include "csv/digest.h"

enum { MAX_MAX_RECORD = 512 * 1024 * 1024 };

static SourceBox *check_box(lua_State *L) {
  return luaL_checkudata(L, 1, SOURCE_TYPE);
}

static Source *check_source(lua_State *L) {
  SourceBox *box = check_box(L);
  luaL_argcheck(L, box->source, 1, "the source is closed");
  return box->source;
}

static SourceBox *new_box(lua_State *L) {
  SourceBox *box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = (SourceBox){0};
  luaL_setmetatable(L, SOURCE_TYPE);
  return box;
}

static int fail(lua_State *L, const Error *error) {
  lua_pushnil(L);
  lua_pushstring(L, error->message);
  lua_pushstring(L, error->code);
  return 3;
}

// Options

static int bad_option(lua_State *L, const char *name, const char *expected) {
  return luaL_argerror(L, 2, lua_pushfstring(L, "option '%s': %s expected", name, expected));
}

static char byte_option(lua_State *L, const char *name) {
  size_t len = 0;
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &len) : NULL;
  if (len != 1 || *text == '\n' || *text == '\r' || *text == 0 || (unsigned char)*text >= 0x80)
    bad_option(L, name, "one ASCII character that ends no line");
  return *text;
}

static LineEnd line_end_option(lua_State *L, const char *name) {
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
  if (strcmp(text, "lf") != 0 && strcmp(text, "cr") != 0)
    bad_option(L, name, "'lf' or 'cr'");
  return strcmp(text, "cr") == 0 ? LINE_CR : LINE_LF;
}

static size_t size_option(lua_State *L, const char *name) {
  lua_Integer size = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : 0;
  if (size < 1 || size > MAX_MAX_RECORD)
    bad_option(L, name, "bytes from 1 to 536870912");
  return (size_t)size;
}

static bool boolean_option(lua_State *L, const char *name) {
  if (!lua_isboolean(L, -1))
    bad_option(L, name, "a boolean");
  return lua_toboolean(L, -1);
}

// The option's value is on top of the stack.
static void read_option(lua_State *L, const char *name, Dialect *dialect) {
  if (strcmp(name, "delimiter") == 0)
    dialect->delimiter = byte_option(L, name);
  else if (strcmp(name, "quote") == 0)
    dialect->quote = byte_option(L, name);
  else if (strcmp(name, "line_end") == 0)
    dialect->line_end = line_end_option(L, name);
  else if (strcmp(name, "max_record") == 0)
    dialect->max_record = size_option(L, name);
  else if (strcmp(name, "header") == 0)
    dialect->headerless = !boolean_option(L, name);
  else if (strcmp(name, "any_header") == 0)
    dialect->any_header = boolean_option(L, name);
  else
    luaL_argerror(L, 2, lua_pushfstring(L, "unknown option '%s'", name));
}

static Dialect check_dialect(lua_State *L) {
  Dialect dialect = dialect_default();
  if (lua_isnoneornil(L, 2))
    return dialect;
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_pushnil(L);
  while (lua_next(L, 2)) { // key, value
    luaL_argcheck(L, lua_type(L, -2) == LUA_TSTRING, 2, "option names expected as keys");
    read_option(L, lua_tostring(L, -2), &dialect);
    lua_pop(L, 1);
  }
  luaL_argcheck(L, dialect.delimiter != dialect.quote, 2, "delimiter and quote are the same");
  return dialect;
}

// Functions

static int open_box(lua_State *L, SourceBox *box, Input *input, const char *name,
                    const Dialect *dialect, Error *error) {
  if (input)
    box->source = source_open(input, name, dialect, error);
  return box->source ? 1 : fail(L, error);
}

// csv.open(path, options?) -> source | nil, message, code
static int csv_open_path(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  Dialect dialect = check_dialect(L);
  SourceBox *box = new_box(L);
  Error error;
  Input *input = input_open_file(path, &error);
  const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
  return open_box(L, box, input, name, &dialect, &error);
}

// csv.open_string(text, options?) -> source | nil, message, code
static int csv_open_string(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  Dialect dialect = check_dialect(L);
  SourceBox *box = new_box(L);
  Error error;
  Input *input = input_open_bytes(text, len);
  if (!input)
    error_set(&error, "ENOMEM", "not enough memory");
  return open_box(L, box, input, "string", &dialect, &error);
}

static void push_totals(lua_State *L, const SourceTotals *totals) {
  lua_createtable(L, 0, 2);
  lua_pushinteger(L, (lua_Integer)totals->bytes);
  lua_setfield(L, -2, "bytes");
  if (totals->sha256[0]) {
    lua_pushstring(L, totals->sha256);
    lua_setfield(L, -2, "sha256");
  }
}

// csv.digest(path, limit?) -> { bytes =, sha256 = } of at most `limit` bytes | nil, message, code
static int csv_digest(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  lua_Integer limit = luaL_optinteger(L, 2, LUA_MAXINTEGER);
  luaL_argcheck(L, limit >= 0, 2, "bytes from 0 on expected");
  Error error;
  SourceTotals totals;
  Input *input = input_open_file(path, &error);
  bool ok = input && input_digest(input, (uint64_t)limit, &totals, &error);
  if (input)
    input->close(input);
  if (!ok)
    return fail(L, &error);
  push_totals(L, &totals);
  return 1;
}

// Records. A record is a table of its fields by position with a metatable that all records of one
// source:records() share: names (upvalue 1: name -> position), width and pairs.

static int record_index(lua_State *L) {
  lua_settop(L, 2);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TNIL)
    return 1;
  lua_rawgeti(L, 1, lua_tointeger(L, -1));
  return 1;
}

static int record_len(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  return 1;
}

// Upvalues: names (position -> name), position.
static int record_step(lua_State *L) {
  lua_Integer position = lua_tointeger(L, lua_upvalueindex(2)) + 1;
  lua_pushinteger(L, position);
  lua_replace(L, lua_upvalueindex(2));
  if (lua_rawgeti(L, lua_upvalueindex(1), position) == LUA_TNIL)
    return 1;
  lua_rawgeti(L, 1, position);
  return 2;
}

static int record_pairs(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, record_step, 2);
  lua_pushvalue(L, 1);
  return 2;
}

static void push_names(lua_State *L, const Source *source) {
  size_t count = source_column_count(source);
  const Field *columns = source_columns(source);
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    lua_pushlstring(L, columns[i].data, columns[i].len);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

static void push_positions(lua_State *L, const Source *source) {
  size_t count = source_column_count(source);
  const Field *columns = source_columns(source);
  lua_createtable(L, 0, (int)count);
  for (size_t i = 0; i < count; i++) {
    lua_pushlstring(L, columns[i].data, columns[i].len);
    lua_pushinteger(L, (lua_Integer)i + 1);
    lua_rawset(L, -3);
  }
}

static void push_record_metatable(lua_State *L, const Source *source) {
  lua_createtable(L, 0, 4); // metatable
  push_positions(L, source);
  lua_pushcclosure(L, record_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pushinteger(L, (lua_Integer)source_column_count(source));
  lua_pushcclosure(L, record_len, 1);
  lua_setfield(L, -2, "__len");
  push_names(L, source);
  lua_pushcclosure(L, record_pairs, 1);
  lua_setfield(L, -2, "__pairs");
  lua_pushliteral(L, "pghost.record");
  lua_setfield(L, -2, "__name");
}

// Pushes line, record (upvalue 2 becomes its metatable).
static void push_good(lua_State *L, const Record *record, const Field *fields) {
  lua_pushinteger(L, (lua_Integer)record->line);
  lua_createtable(L, (int)record->field_count, 0);
  for (uint32_t i = 0; i < record->field_count; i++) {
    if (fields[i].null)
      continue;
    lua_pushlstring(L, fields[i].data, fields[i].len);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_setmetatable(L, -2);
}

// Pushes line, nil, problem, bytes.
static void push_bad(lua_State *L, const Record *record, uint32_t columns) {
  char problem[128];
  record_error_text(record, columns, problem, sizeof problem);
  lua_pushinteger(L, (lua_Integer)record->line);
  lua_pushnil(L);
  lua_pushstring(L, problem);
  lua_pushlstring(L, record->bytes, record->length);
}

// Upvalues: the source, the metatable of its records.
static int next_record(lua_State *L) {
  SourceBox *box = lua_touserdata(L, lua_upvalueindex(1));
  if (!box->source)
    return luaL_error(L, "the source is closed");
  const Record *record;
  const Field *fields;
  Error error;
  switch (cursor_next(box->cursor, &record, &fields, &error)) {
  case SOURCE_END:
    return 0;
  case SOURCE_ERROR:
    lua_pushstring(L, error.message);
    return lua_error(L);
  case SOURCE_CHUNK:
    break;
  }
  luaL_checkstack(L, 4, NULL);
  if (record->error == RECORD_OK)
    push_good(L, record, fields);
  else
    push_bad(L, record, source_dialect(box->source)->columns);
  return record->error == RECORD_OK ? 2 : 4;
}

// Methods

// source:columns() -> names
static int source_columns_method(lua_State *L) {
  push_names(L, check_source(L));
  return 1;
}

// source:records() -> iterator of line, record, problem, bytes
static int source_records(lua_State *L) {
  Source *source = check_source(L);
  SourceBox *box = check_box(L);
  if (!box->cursor)
    box->cursor = cursor_new(source);
  if (!box->cursor)
    return luaL_error(L, "not enough memory");
  lua_pushvalue(L, 1);
  push_record_metatable(L, source);
  lua_pushcclosure(L, next_record, 2);
  return 1;
}

// source:totals() -> { bytes =, sha256 = }
static int source_totals_method(lua_State *L) {
  SourceTotals totals = source_totals(check_source(L));
  push_totals(L, &totals);
  return 1;
}

// source:skip_to(offset) -> true | nil, message, code: goes on behind the first `offset` bytes
static int source_skip_to_method(lua_State *L) {
  Source *source = check_source(L);
  lua_Integer offset = luaL_checkinteger(L, 2);
  luaL_argcheck(L, offset >= 0, 2, "bytes from 0 on expected");
  luaL_argcheck(L, !check_box(L)->cursor, 1, "some records of the source have been read already");
  Error error;
  if (!source_skip_to(source, (uint64_t)offset, &error))
    return fail(L, &error);
  lua_pushboolean(L, true);
  return 1;
}

// source:line_end() -> "lf" | "cr"
static int source_line_end(lua_State *L) {
  bool cr = source_dialect(check_source(L))->line_end == LINE_CR;
  lua_pushstring(L, cr ? "cr" : "lf");
  return 1;
}

// source:close(), __close, __gc
static int source_close_method(lua_State *L) {
  SourceBox *box = check_box(L);
  cursor_free(box->cursor);
  source_close(box->source);
  *box = (SourceBox){0};
  return 0;
}

static int source_tostring(lua_State *L) {
  SourceBox *box = check_box(L);
  lua_pushfstring(L, box->source ? "%s: %p" : "%s (closed): %p", SOURCE_TYPE, (void *)box);
  return 1;
}

static const luaL_Reg methods[] = {
    {"columns", source_columns_method},
    {"records", source_records},
    {"totals", source_totals_method},
    {"line_end", source_line_end},
    {"skip_to", source_skip_to_method},
    {"close", source_close_method},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__gc", source_close_method},
    {"__close", source_close_method},
    {"__tostring", source_tostring},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"open", csv_open_path},
    {"open_string", csv_open_string},
    {"digest", csv_digest},
    {NULL, NULL},
};

int luaopen_pghost_native_csv(lua_State *L) {
  if (luaL_newmetatable(L, SOURCE_TYPE)) {
    luaL_setfuncs(L, metamethods, 0);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
  }
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
