// The result of a query as Lua sees it: rows by position, iteration, names and types of columns,
// and the number of rows a statement changed. All of it is in memory; streams are in stream.c.
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "lua/named.h"
#include "lua/pg.h"

#define RESULT_TYPE "pghost.native.result"

typedef struct ResultBox {
  PGresult *result; // NULL: closed
} ResultBox;

enum { ROW_TYPE = 1, USER_VALUES = 1 };

static ResultBox *check_result(lua_State *L) {
  ResultBox *box = luaL_checkudata(L, 1, RESULT_TYPE);
  luaL_argcheck(L, box->result, 1, "the result is closed");
  return box;
}

PGresult **pg_push_result(lua_State *L) {
  ResultBox *box = lua_newuserdatauv(L, sizeof *box, USER_VALUES);
  box->result = NULL;
  luaL_setmetatable(L, RESULT_TYPE);
  return &box->result;
}

// The metatable of the rows, made when the first row is asked for.
static void push_row_type(lua_State *L, const PGresult *result, int index) {
  if (lua_getiuservalue(L, index, ROW_TYPE) == LUA_TTABLE)
    return;
  lua_pop(L, 1);
  pg_push_row_type(L, result);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, index, ROW_TYPE);
}

// Pushes row `position` (from 1) of the result at stack index `index`, nil outside of it.
static int push_row(lua_State *L, const PGresult *result, int index, lua_Integer position) {
  if (position < 1 || position > PQntuples(result)) {
    lua_pushnil(L);
    return 1;
  }
  push_row_type(L, result, index);
  pg_push_row(L, result, (int)position - 1, -1);
  return 1;
}

// Rows changed, or given by a SELECT; 0 for statements that count none.
static void push_affected(lua_State *L, PGresult *result) {
  lua_pushinteger(L, strtoll(PQcmdTuples(result), NULL, 10));
}

// result[i], result.affected, methods (upvalue 1); upvalue 2: all these names
static int result_index(lua_State *L) {
  if (lua_isinteger(L, 2))
    return push_row(L, check_result(L)->result, 1, lua_tointeger(L, 2));
  bool is_name = named_is_asked(L, 2);
  if (is_name && strcmp(lua_tostring(L, 2), "affected") == 0) {
    push_affected(L, check_result(L)->result);
    return 1;
  }
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TNIL && is_name)
    return named_unknown(L, "a result has no", 2, lua_upvalueindex(2));
  return 1;
}

static int result_len(lua_State *L) {
  lua_pushinteger(L, PQntuples(check_result(L)->result));
  return 1;
}

// Upvalues: the result, the position last given.
static int next_row(lua_State *L) {
  ResultBox *box = lua_touserdata(L, lua_upvalueindex(1));
  if (!box->result)
    return luaL_error(L, "the result is closed");
  lua_Integer position = lua_tointeger(L, lua_upvalueindex(2)) + 1;
  lua_pushinteger(L, position);
  lua_replace(L, lua_upvalueindex(2));
  lua_settop(L, 0);
  lua_pushvalue(L, lua_upvalueindex(1));
  return push_row(L, box->result, 1, position);
}

// result:rows() -> iterator of rows
static int result_rows(lua_State *L) {
  check_result(L);
  lua_settop(L, 1);
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, next_row, 2);
  return 1;
}

// result:columns() -> list of names
static int result_columns(lua_State *L) {
  pg_push_columns(L, check_result(L)->result);
  return 1;
}

// result:types() -> list of type names
static int result_types(lua_State *L) {
  pg_push_types(L, check_result(L)->result);
  return 1;
}

// result:close(), __close, __gc
static int result_close(lua_State *L) {
  ResultBox *box = luaL_checkudata(L, 1, RESULT_TYPE);
  PQclear(box->result);
  box->result = NULL;
  return 0;
}

static int result_tostring(lua_State *L) {
  ResultBox *box = luaL_checkudata(L, 1, RESULT_TYPE);
  if (!box->result)
    lua_pushliteral(L, RESULT_TYPE " (closed)");
  else
    lua_pushfstring(L, RESULT_TYPE " (%s)", PQcmdStatus(box->result));
  return 1;
}

static const luaL_Reg methods[] = {
    {"rows", result_rows},
    {"columns", result_columns},
    {"types", result_types},
    {"close", result_close},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__len", result_len},
    {"__tostring", result_tostring},
    {"__close", result_close},
    {"__gc", result_close},
    {NULL, NULL},
};

void pg_open_results(lua_State *L) {
  luaL_newmetatable(L, RESULT_TYPE);
  luaL_setfuncs(L, metamethods, 0);
  luaL_newlib(L, methods);
  luaL_newlib(L, methods); // all names, for those who misspell one
  lua_pushboolean(L, true);
  lua_setfield(L, -2, "affected");
  lua_pushcclosure(L, result_index, 2);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
