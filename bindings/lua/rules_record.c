// A row for rules written in Lua over a whole record: reads values where they are, makes no table.
//
// There is one for each program, good only while a rule runs; copy() makes a table to keep.
#include "lua/rules_record.h"

#include <lauxlib.h>

#include "lua/named.h"
#include "lua/rules_convert.h"

#define RECORD_TYPE "pghost.native.record"

enum { COLUMNS = 1 }; // user value: column name -> position

static const RecordBox *check_record(lua_State *L) {
  const RecordBox *box = luaL_checkudata(L, 1, RECORD_TYPE);
  if (!box->scratch)
    luaL_error(L, "row is only valid inside the rule that gets it: keep row:copy()");
  return box;
}

static int no_column(lua_State *L) {
  lua_settop(L, 2);
  lua_getiuservalue(L, 1, COLUMNS);
  return named_unknown(L, "no column", 2, 3);
}

// row.name, row[1], row.copy, which a column of that name hides. Upvalue: the methods.
static int record_index(lua_State *L) {
  const RecordBox *box = check_record(L);
  lua_Integer column = 0;
  if (lua_type(L, 2) == LUA_TSTRING) {
    lua_getiuservalue(L, 1, COLUMNS);
    lua_pushvalue(L, 2);
    lua_rawget(L, -2);
    column = lua_tointeger(L, -1); // 0 for nil
    lua_pushvalue(L, 2);
    if (column == 0 && lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
      return 1;
  } else if (lua_isinteger(L, 2)) {
    column = lua_tointeger(L, 2);
  }
  if (column < 1 || (size_t)column > program_column_count(box->program))
    return no_column(L);
  rules_push_value(L, box->program, box->scratch, (size_t)column - 1);
  return 1;
}

static int record_newindex(lua_State *L) {
  return luaL_error(L, "a row cannot be changed: write a rule that sets '%s'",
                    luaL_tolstring(L, 2, NULL));
}

static int record_len(lua_State *L) {
  const RecordBox *box = check_record(L);
  lua_pushinteger(L, (lua_Integer)program_column_count(box->program));
  return 1;
}

// row:copy() -> table of values by name
static int record_copy(lua_State *L) {
  const RecordBox *box = check_record(L);
  size_t count = program_column_count(box->program);
  lua_createtable(L, 0, (int)count);
  for (size_t i = 0; i < count; i++) {
    lua_pushstring(L, program_column_name(box->program, i));
    rules_push_value(L, box->program, box->scratch, i);
    lua_rawset(L, -3);
  }
  return 1;
}

static const luaL_Reg methods[] = {
    {"copy", record_copy},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__index", record_index},
    {"__newindex", record_newindex},
    {"__len", record_len},
    {NULL, NULL},
};

RecordBox *lua_record_push(lua_State *L, const Program *program) {
  size_t count = program_column_count(program);
  RecordBox *box = lua_newuserdatauv(L, sizeof *box, 1);
  *box = (RecordBox){.program = program};
  luaL_setmetatable(L, RECORD_TYPE);
  lua_createtable(L, 0, (int)count);
  for (size_t i = 0; i < count; i++) {
    lua_pushinteger(L, (lua_Integer)i + 1);
    lua_setfield(L, -2, program_column_name(program, i));
  }
  lua_setiuservalue(L, -2, COLUMNS);
  return box;
}

void lua_record_open(lua_State *L) {
  luaL_newmetatable(L, RECORD_TYPE);
  luaL_newlib(L, methods);
  luaL_setfuncs(L, metamethods, 1);
  lua_pop(L, 1);
}
