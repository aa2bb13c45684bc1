// A query whose rows come one by one, so that a result of any size takes constant memory. It holds
// its connection until the end; leaving its scope early leaves the connection idle.
#include <lauxlib.h>
#include <stdlib.h>

#include "lua/failure.h"
#include "lua/pg.h"
#include "lua/userdata.h"
#include "pg/csv_row.h"

#define STREAM_TYPE "pghost.native.stream"

typedef struct StreamBox {
  ConnBox *conn;    // NULL: not started. Kept alive by the user value
  PGresult *result; // what conn_stream_next gave last
} StreamBox;

enum { CONNECTION = 1, ROW_TYPE = 2, USER_VALUES = 2 };

void pg_push_stream(lua_State *L) {
  StreamBox *box = lua_newuserdatauv(L, sizeof *box, USER_VALUES);
  *box = (StreamBox){0};
  luaL_setmetatable(L, STREAM_TYPE);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, CONNECTION);
}

void pg_start_stream(lua_State *L) {
  StreamBox *box = luaL_checkudata(L, -1, STREAM_TYPE);
  ConnBox *conn = luaL_checkudata(L, 1, CONN_TYPE);
  box->conn = conn;
  conn->busy = "a stream";
  conn->stream = box;
}

void pg_end_stream(ConnBox *box, bool hurry) {
  if (!box->stream)
    return;
  box->busy = NULL;
  box->stream = NULL;
  if (!box->conn)
    return;
  if (!hurry && box->stream_in_transaction)
    conn_skip(box->conn, NULL);
  else
    conn_drain(box->conn);
}

static bool is_running(const StreamBox *box) {
  return box->conn && box->conn->stream == box;
}

// Pushes the metatable of the rows, made with the first row.
static void push_row_type(lua_State *L, const PGresult *result) {
  if (lua_getiuservalue(L, 1, ROW_TYPE) == LUA_TTABLE)
    return;
  lua_pop(L, 1);
  pg_push_row_type(L, result);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, ROW_TYPE);
}

// stream:next() -> row | nil (the end) | nil, message, code
static int stream_next(lua_State *L) {
  StreamBox *box = luaL_checkudata(L, 1, STREAM_TYPE);
  lua_settop(L, 1);
  if (!is_running(box)) {
    lua_pushnil(L);
    return 1;
  }
  Error error;
  PQclear(box->result);
  box->result = conn_stream_next(box->conn->conn, &error);
  if (PQresultStatus(box->result) != PGRES_SINGLE_TUPLE) {
    pg_end_stream(box->conn, true);
    lua_pushnil(L);
    return box->result ? 1 : push_failure(L, &error);
  }
  push_row_type(L, box->result);
  pg_push_row(L, box->result, 0, -1);
  return 1;
}

// The iterator of `for row in conn:stream(...)`: as next, but failures raise, since a loop could
// not tell them from the end.
static int stream_iterate(lua_State *L) {
  int count = stream_next(L);
  if (count == 3)
    return luaL_error(L, "%s", lua_tostring(L, -2));
  return 1;
}

// stream:columns(), stream:types() -> list: of the row that came last, or of the end; nil before
static int stream_columns(lua_State *L) {
  StreamBox *box = luaL_checkudata(L, 1, STREAM_TYPE);
  if (box->result)
    pg_push_columns(L, box->result);
  return box->result ? 1 : 0;
}

static int stream_types(lua_State *L) {
  StreamBox *box = luaL_checkudata(L, 1, STREAM_TYPE);
  if (box->result)
    pg_push_types(L, box->result);
  return box->result ? 1 : 0;
}

// stream:affected() -> integer: after the end, the rows that a statement without a result has
// changed
static int stream_affected(lua_State *L) {
  StreamBox *box = luaL_checkudata(L, 1, STREAM_TYPE);
  lua_pushinteger(L, box->result ? strtoll(PQcmdTuples(box->result), NULL, 10) : 0);
  return 1;
}

static FILE *open_file(lua_State *L, int index) {
  luaL_Stream *stream = luaL_checkudata(L, index, LUA_FILEHANDLE);
  luaL_argcheck(L, stream->closef, index, "closed file");
  return stream->f;
}

// stream:write_csv(file, null) -> true | nil, message, code: the row that came last and all that
// follow, as the server's texts, without a header. Ends early where the file takes no more.
static int stream_write_csv(lua_State *L) {
  StreamBox *box = luaL_checkudata(L, 1, STREAM_TYPE);
  FILE *file = open_file(L, 2);
  const char *null = luaL_optstring(L, 3, "");
  Error error;
  while (is_running(box) && PQresultStatus(box->result) == PGRES_SINGLE_TUPLE && !ferror(file)) {
    csv_row_write(file, box->result, 0, null);
    PQclear(box->result);
    box->result = conn_stream_next(box->conn->conn, &error);
    if (!box->result) {
      pg_end_stream(box->conn, true);
      return push_failure(L, &error);
    }
  }
  if (is_running(box))
    pg_end_stream(box->conn, true);
  lua_pushboolean(L, 1);
  return 1;
}

// stream:close(), and __close: with an error as second argument the rest is cancelled, not read.
static int stream_close(lua_State *L) {
  StreamBox *box = luaL_checkudata(L, 1, STREAM_TYPE);
  PQclear(box->result);
  box->result = NULL;
  if (is_running(box))
    pg_end_stream(box->conn, !lua_isnoneornil(L, 2));
  return 0;
}

static const luaL_Reg methods[] = {
    {"next", stream_next},
    {"columns", stream_columns},
    {"types", stream_types},
    {"affected", stream_affected},
    {"write_csv", stream_write_csv},
    {"close", stream_close},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__call", stream_iterate},
    {"__close", stream_close},
    {"__gc", stream_close},
    {NULL, NULL},
};

void pg_open_streams(lua_State *L) {
  userdata_define(L, STREAM_TYPE, metamethods, methods);
}
