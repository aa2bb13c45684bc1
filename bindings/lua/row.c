// Rows of results: plain Lua tables of values by position, with a metatable per result that knows
// the names and the width. Not a userdata: a script would copy each row to a table anyway.
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "lua/named.h"
#include "lua/pg.h"
#include "rules/type.h"

// OIDs of the server's built-in types (src/include/catalog/pg_type.dat); they never change. Those
// that rules can have are rows of bindings/rules/type_*.c.
typedef struct TypeName {
  Oid oid;
  const char *name;
} TypeName;

enum {
  BOOL = 16,
  BYTEA = 17,
  INT8 = 20,
  INT2 = 21,
  INT4 = 23,
  FLOAT4 = 700,
  FLOAT8 = 701,
};

// Types that no rule has, and what the server calls those with a short name.
static const TypeName other_types[] = {
    {18, "\"char\""},    {19, "name"},        {24, "regproc"},
    {26, "oid"},         {142, "xml"},        {705, "unknown"},
    {790, "money"},      {1000, "boolean[]"}, {1005, "smallint[]"},
    {1007, "integer[]"}, {1009, "text[]"},    {1015, "character varying[]"},
    {1016, "bigint[]"},  {1042, "character"}, {1043, "character varying"},
    {1231, "numeric[]"}, {1560, "bit"},       {1562, "bit varying"},
    {2205, "regclass"},  {2206, "regtype"},   {2249, "record"},
    {2278, "void"},      {3220, "pg_lsn"},    {3904, "int4range"},
    {3926, "int8range"}, {3906, "numrange"},  {3908, "tsrange"},
    {3910, "tstzrange"}, {3912, "daterange"},
};

// bytea_output = escape: \\ and \ooo stand for one byte, others for themselves.
static size_t unescape(const char *text, size_t len, char *out) {
  size_t put = 0;
  for (size_t i = 0; i < len; put++) {
    if (text[i] != '\\') {
      out[put] = text[i++];
    } else if (text[i + 1] == '\\') {
      out[put] = '\\';
      i += 2;
    } else {
      out[put] = (char)((text[i + 1] - '0') << 6 | (text[i + 2] - '0') << 3 | (text[i + 3] - '0'));
      i += 4;
    }
  }
  return put;
}

// The server's text of a bytea, "\x6162" or escaped, as the bytes themselves.
static void push_bytea(lua_State *L, const char *text, size_t len) {
  luaL_Buffer buffer;
  char *out = luaL_buffinitsize(L, &buffer, len + 1);
  size_t put = 0;
  if (len >= 2 && text[0] == '\\' && text[1] == 'x')
    for (size_t i = 2; i + 1 < len; i += 2)
      out[put++] = (char)(hex_value(text[i]) << 4 | hex_value(text[i + 1]));
  else
    put = unescape(text, len, out);
  luaL_pushresultsize(&buffer, put);
}

static void push_value(lua_State *L, const PGresult *result, int row, int column) {
  const char *text = PQgetvalue(result, row, column);
  size_t len = (size_t)PQgetlength(result, row, column);
  switch (PQftype(result, column)) {
  case INT2:
  case INT4:
  case INT8:
    lua_pushinteger(L, strtoll(text, NULL, 10));
    break;
  case FLOAT4:
  case FLOAT8:
    lua_pushnumber(L, strtod(text, NULL));
    break;
  case BOOL:
    lua_pushboolean(L, text[0] == 't');
    break;
  case BYTEA:
    push_bytea(L, text, len);
    break;
  default:
    lua_pushlstring(L, text, len);
  }
}

void pg_push_row(lua_State *L, const PGresult *result, int row, int type) {
  type = lua_absindex(L, type);
  int width = PQnfields(result);
  lua_createtable(L, width, 0);
  for (int column = 0; column < width; column++) {
    if (PQgetisnull(result, row, column))
      continue;
    push_value(L, result, row, column);
    lua_rawseti(L, -2, column + 1);
  }
  lua_pushvalue(L, type);
  lua_setmetatable(L, -2);
}

void pg_push_columns(lua_State *L, const PGresult *result) {
  int width = PQnfields(result);
  lua_createtable(L, width, 0);
  for (int column = 0; column < width; column++) {
    lua_pushstring(L, PQfname(result, column));
    lua_rawseti(L, -2, column + 1);
  }
}

void pg_push_row_type(lua_State *L, const PGresult *result) {
  pg_push_columns(L, result);
  named_push_type(L, "pghost.native.row");
}

static const char *name_of_type(Oid oid, char *unknown, size_t size) {
  for (size_t i = 0; i < sizeof other_types / sizeof other_types[0]; i++)
    if (other_types[i].oid == oid)
      return other_types[i].name;
  const char *name = type_name_of_oid(oid);
  if (name)
    return name;
  snprintf(unknown, size, "oid %u", oid);
  return unknown;
}

void pg_push_types(lua_State *L, const PGresult *result) {
  int width = PQnfields(result);
  lua_createtable(L, width, 0);
  for (int column = 0; column < width; column++) {
    char unknown[32];
    lua_pushstring(L, name_of_type(PQftype(result, column), unknown, sizeof unknown));
    lua_rawseti(L, -2, column + 1);
  }
}
