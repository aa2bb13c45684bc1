// pghost.native.csv: CSV sources, for loads and for exploring.
//
// One userdata type, the source (SourceBox). A load takes the source over; a script that explores
// asks for its records one by one. Nothing here decides what a field means.
#include <lauxlib.h>
#include <lua.h>
#include <string.h>

#include "csv/digest.h"
#include "csv/scan.h"
#include "csv/transcode.h"
#include "lua/boxes.h"
#include "lua/csv_options.h"
#include "lua/failure.h"
#include "lua/named.h"
#include "lua/native.h"
#include "lua/userdata.h"

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

// Functions

// The files of a zip, one after the other: size, name, NUL.
typedef struct MemberList {
  Buffer bytes;
  int count;
} MemberList;

typedef struct Look {
  InputLook look;
  MemberList members;
} Look;

static int open_box(lua_State *L, SourceBox *box, Input *input, const char *name,
                    const Dialect *dialect, Error *error) {
  if (input)
    box->source = source_open(input, name, dialect, error);
  return box->source ? 1 : push_failure(L, error);
}

// csv.open(path, options?) -> source | nil, message, code
static int csv_open_path(lua_State *L) {
  Dialect dialect = csv_check_options(L, 2);
  InputName opened = csv_check_name(L, 1, 2);
  const char *name = strcmp(opened.path, "-") == 0 ? "standard input" : opened.path;
  if (opened.member)
    name = lua_pushfstring(L, "%s/%s", name, opened.member);
  SourceBox *box = new_box(L);
  Error error;
  Input *input = input_open(&opened, &error);
  return open_box(L, box, input, name, &dialect, &error);
}

static bool add_member(void *data, const char *name, uint64_t size, Error *error) {
  MemberList *list = data;
  buffer_put_u64(&list->bytes, size);
  buffer_put(&list->bytes, name, strlen(name) + 1);
  list->count++;
  return !list->bytes.failed || error_set(error, "ENOMEM", "out of memory");
}

static int push_members(lua_State *L, const MemberList *list) {
  lua_createtable(L, list->count, 0);
  const char *at = list->bytes.data;
  for (int i = 1; i <= list->count; i++) {
    uint64_t size;
    memcpy(&size, at, sizeof size);
    at += sizeof size;
    lua_createtable(L, 0, 2);
    lua_pushstring(L, at);
    lua_setfield(L, -2, "name");
    lua_pushinteger(L, (lua_Integer)__builtin_bswap64(size));
    lua_setfield(L, -2, "size");
    lua_rawseti(L, -2, i);
    at += strlen(at) + 1;
  }
  return 1;
}

static int push_look(lua_State *L) {
  const Look *look = lua_touserdata(L, 1);
  lua_createtable(L, 0, 3);
  lua_pushinteger(L, (lua_Integer)look->look.size);
  lua_setfield(L, -2, "size");
  if (look->look.version[0]) {
    lua_pushstring(L, look->look.version);
    lua_setfield(L, -2, "version");
  }
  if (look->look.kind == INPUT_ZIP) {
    push_members(L, &look->members);
    lua_setfield(L, -2, "members");
  } else if (look->look.kind == INPUT_WHOLE) {
    lua_pushlstring(L, look->look.whole.data, look->look.whole.len);
    lua_setfield(L, -2, "contents");
  }
  return 1;
}

// csv.look(path, most) -> { size =, version =, members = of a zip: list of { name =, size = },
// contents = the bytes of a file that is not compressed and has at most so many } | nil, message,
// code. size: of the file itself, 0: not known. version: of an object behind a URL that has one.
static int csv_look(lua_State *L) {
  InputName name = csv_check_name(L, 1, 0);
  lua_Integer most = luaL_checkinteger(L, 2);
  luaL_argcheck(L, most >= 0, 2, "bytes from 0 on expected");
  Look look = {0};
  Error error;
  bool ok = input_look(name.path, (size_t)most, add_member, &look.members, &look.look, &error);
  int status = LUA_OK;
  if (ok) {
    lua_pushcfunction(L, push_look);
    lua_pushlightuserdata(L, &look);
    status = lua_pcall(L, 1, 1, 0);
  }
  buffer_free(&look.members.bytes);
  buffer_free(&look.look.whole);
  if (status != LUA_OK)
    return lua_error(L);
  return ok ? 1 : push_failure(L, &error);
}

// Decodes bytes in the first argument's encoding into `out`; false if they are invalid.
static bool decode(const TextOptions *text, const char *bytes, size_t len, Buffer *out) {
  TextOptions stream = *text;
  if (text->kind == ENCODING_UTF8 || text->kind == ENCODING_FIELDS)
    stream.kind = ENCODING_STREAM;
  Transcoder *transcoder = transcoder_new(&stream);
  bool good = transcoder && transcoder_put(transcoder, bytes, len, true, out);
  transcoder_free(transcoder);
  return good && scan_is_utf8(out->data, out->len);
}

// csv.decode(bytes, encoding) -> text | nil, message, code
static int csv_decode(lua_State *L) {
  size_t len, name_len;
  const char *bytes = luaL_checklstring(L, 1, &len);
  const char *name = luaL_checklstring(L, 2, &name_len);
  TextOptions text = {0};
  Error error;
  luaL_argcheck(L, name_len < sizeof text.encoding, 2, "not the name of an encoding");
  memcpy(text.encoding, name, name_len);
  if (!encoding_resolve(&text, NULL, 0, &error))
    return push_failure(L, &error);
  Buffer out = {0};
  bool good = decode(&text, bytes, len, &out);
  // Lua owns the copy, so an error for want of memory leaks nothing.
  luaL_Buffer copy;
  char *to = good && out.len > 0 ? luaL_buffinitsize(L, &copy, out.len) : NULL;
  if (to) {
    memcpy(to, out.data, out.len);
    luaL_pushresultsize(&copy, out.len);
  } else if (good) {
    lua_pushliteral(L, "");
  }
  buffer_free(&out);
  if (good)
    return 1;
  error_set(&error, "encoding", "not valid %s", text.encoding);
  return push_failure(L, &error);
}

// csv.open_string(text, options?, name?) -> source | nil, message, code
static int csv_open_string(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  Dialect dialect = csv_check_options(L, 2);
  const char *name = luaL_optstring(L, 3, "string");
  SourceBox *box = new_box(L);
  Error error;
  Input *input = input_open_bytes(text, len);
  if (!input)
    error_set(&error, "ENOMEM", "out of memory");
  return open_box(L, box, input, name, &dialect, &error);
}

static void push_totals(lua_State *L, const SourceTotals *totals) {
  lua_createtable(L, 0, 3);
  lua_pushinteger(L, (lua_Integer)totals->bytes);
  lua_setfield(L, -2, "bytes");
  lua_pushinteger(L, (lua_Integer)totals->input_bytes);
  lua_setfield(L, -2, "input_bytes");
  if (totals->sha256[0]) {
    lua_pushstring(L, totals->sha256);
    lua_setfield(L, -2, "sha256");
  }
}

// csv.digest(path, limit?, { member =, version = }?) -> { bytes =, sha256 = } of at most `limit`
// bytes, unpacked | nil, message, code
static int csv_digest(lua_State *L) {
  InputName name = csv_check_name(L, 1, 3);
  lua_Integer limit = luaL_optinteger(L, 2, LUA_MAXINTEGER);
  luaL_argcheck(L, limit >= 0, 2, "bytes from 0 on expected");
  Error error;
  SourceTotals totals;
  Input *input = input_open(&name, &error);
  bool ok = input && input_digest(input, (uint64_t)limit, &totals, &error);
  if (input)
    input->close(input);
  if (!ok)
    return push_failure(L, &error);
  push_totals(L, &totals);
  return 1;
}

// csv.hash(bytes) -> their SHA-256, hex | nil, message, code
static int csv_hash(lua_State *L) {
  size_t len;
  const char *bytes = luaL_checklstring(L, 1, &len);
  Error error;
  SourceTotals totals;
  Input *input = input_open_bytes(bytes, len);
  if (!input)
    error_set(&error, "ENOMEM", "out of memory");
  bool ok = input && input_digest(input, UINT64_MAX, &totals, &error);
  if (input)
    input->close(input);
  if (!ok)
    return push_failure(L, &error);
  lua_pushstring(L, totals.sha256);
  return 1;
}

// csv.check_options(options): raises what csv.open would, and for the option that can have no
// effect in an encoding that was named. Not csv.open: a file may turn out to be in that encoding.
static int csv_check(lua_State *L) {
  Dialect dialect = csv_check_options(L, 1);
  if (lua_isnoneornil(L, 1) || lua_getfield(L, 1, "invalid") != LUA_TSTRING)
    return 0;
  if (dialect.text.fallback && !encoding_takes_fallback(dialect.text.encoding))
    luaL_argerror(
        L, 1,
        lua_pushfstring(L,
                        "invalid = 'windows-1252' has no effect in '%s': only in UTF-8 and "
                        "in encodings that are ASCII with more",
                        dialect.text.encoding));
  return 0;
}

// Records: lists of fields, with names.

static void push_list(lua_State *L, const Field *columns, size_t count) {
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    lua_pushlstring(L, columns[i].data, columns[i].len);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

static void push_names(lua_State *L, const Source *source) {
  push_list(L, source_columns(source), source_column_count(source));
}

static void push_record_metatable(lua_State *L, const Source *source) {
  push_names(L, source);
  named_push_type(L, "pghost.native.fields");
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
static void push_bad(lua_State *L, SourceBox *box, const Record *record) {
  char problem[128];
  record_error_text(record, source_dialect(box->source), problem, sizeof problem);
  lua_pushinteger(L, (lua_Integer)record->line);
  lua_pushnil(L);
  lua_pushstring(L, problem);
  FileSpan span = cursor_span(box->cursor, record);
  lua_pushlstring(L, span.bytes, span.length);
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
    push_bad(L, box, record);
  return record->error == RECORD_OK ? 2 : 4;
}

// Methods

static Cursor *need_cursor(lua_State *L) {
  Source *source = check_source(L);
  SourceBox *box = check_box(L);
  if (!box->cursor)
    box->cursor = cursor_new(source);
  if (!box->cursor)
    luaL_error(L, "out of memory");
  return box->cursor;
}

// source:find(line) -> offset, bytes | nil | nil, message, code. Continues from the last find.
static int source_find(lua_State *L) {
  lua_Integer line = luaL_checkinteger(L, 2);
  const Record *record;
  Error error;
  Cursor *cursor = need_cursor(L);
  SourceStatus status = cursor_find(cursor, (uint64_t)line, &record, &error);
  if (status == SOURCE_ERROR)
    return push_failure(L, &error);
  if (status == SOURCE_END || record->line != (uint64_t)line)
    return 0;
  FileSpan span = cursor_span(cursor, record);
  lua_pushinteger(L, (lua_Integer)span.offset);
  lua_pushlstring(L, span.bytes, span.length);
  return 2;
}

// source:columns() -> names
static int source_columns_method(lua_State *L) {
  push_names(L, check_source(L));
  return 1;
}

// source:written_columns() -> names before header_names = "repair" changed any
static int source_written_method(lua_State *L) {
  const Source *source = check_source(L);
  push_list(L, source_written_columns(source), source_column_count(source));
  return 1;
}

// source:records() -> iterator of line, record, problem, bytes
static int source_records(lua_State *L) {
  Source *source = check_source(L);
  need_cursor(L);
  lua_pushvalue(L, 1);
  push_record_metatable(L, source);
  lua_pushcclosure(L, next_record, 2);
  return 1;
}

// source:totals() -> { bytes =, input_bytes =, sha256 = }
static int source_totals_method(lua_State *L) {
  SourceTotals totals = source_totals(check_source(L));
  push_totals(L, &totals);
  return 1;
}

// source:leave_digest(): there will be no sha256 among the totals
static int source_leave_digest_method(lua_State *L) {
  source_leave_digest(check_source(L));
  return 0;
}

// source:skip_to(offset) -> true | nil, message, code: continues after the first `offset` bytes
static int source_skip_to_method(lua_State *L) {
  Source *source = check_source(L);
  lua_Integer offset = luaL_checkinteger(L, 2);
  luaL_argcheck(L, offset >= 0, 2, "bytes from 0 on expected");
  luaL_argcheck(L, !check_box(L)->cursor, 1, "some records of the source have been read already");
  Error error;
  if (!source_skip_to(source, (uint64_t)offset, &error))
    return push_failure(L, &error);
  lua_pushboolean(L, true);
  return 1;
}

// source:line_end() -> "lf" | "cr"
static int source_line_end(lua_State *L) {
  bool cr = source_dialect(check_source(L))->line_end == LINE_CR;
  lua_pushstring(L, cr ? "cr" : "lf");
  return 1;
}

// source:field_bytes() -> number
static int source_field_bytes_method(lua_State *L) {
  lua_pushnumber(L, source_field_bytes(check_source(L)));
  return 1;
}

// source:encoding() -> name, note; no note if it is the encoding that was asked for
static int source_encoding(lua_State *L) {
  const Source *source = check_source(L);
  const char *note = source_encoding_note(source);
  lua_pushstring(L, source_dialect(source)->text.encoding);
  lua_pushstring(L, note[0] ? note : NULL);
  return 2;
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
    {"columns", source_columns_method}, {"written_columns", source_written_method},
    {"records", source_records},        {"totals", source_totals_method},
    {"line_end", source_line_end},      {"field_bytes", source_field_bytes_method},
    {"encoding", source_encoding},      {"find", source_find},
    {"skip_to", source_skip_to_method}, {"leave_digest", source_leave_digest_method},
    {"close", source_close_method},     {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__gc", source_close_method},
    {"__close", source_close_method},
    {"__tostring", source_tostring},
    {NULL, NULL},
};

static int csv_unreadable_rules(lua_State *L) {
  lua_newtable(L);
  for (int error = RECORD_OK + 1; error < RECORD_ERRORS; error++) {
    lua_pushstring(L, record_error_rule((RecordError)error));
    lua_rawseti(L, -2, error - RECORD_OK);
  }
  return 1;
}

static const luaL_Reg functions[] = {
    {"open", csv_open_path},
    {"open_string", csv_open_string},
    {"look", csv_look},
    {"decode", csv_decode},
    {"check_options", csv_check},
    {"options", csv_push_options},
    {"digest", csv_digest},
    {"hash", csv_hash},
    {"unreadable_rules", csv_unreadable_rules},
    {NULL, NULL},
};

int luaopen_pghost_native_csv(lua_State *L) {
  userdata_define(L, SOURCE_TYPE, metamethods, methods);
  luaL_newlib(L, functions);
  return 1;
}
