// pghost.native.conn: the PostgreSQL connection as Lua sees it.
//
// Methods check, call pg/ and return. Failures of the outside world are `nil, message, code`;
// misuse raises. A connection that is lost stays lost. Where to connect is policy, which is in
// scripts/pghost/connection.lua.
#include <lauxlib.h>
#include <lua.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "lua/failure.h"
#include "lua/native.h"
#include "lua/pg.h"
#include "lua/userdata.h"

enum { MAX_PARAMS = 65535 }; // 16 bits in the protocol's Bind message

static ConnBox *check_conn(lua_State *L) {
  ConnBox *box = luaL_checkudata(L, 1, CONN_TYPE);
  luaL_argcheck(L, box->conn, 1, "the connection is closed");
  return box;
}

// A connection that nothing else is using.
static ConnBox *check_free(lua_State *L) {
  ConnBox *box = check_conn(L);
  if (box->busy)
    luaL_error(L, "the connection is busy with %s: end that first, or use another connection",
               box->busy);
  return box;
}

static ConnBox *push_conn(lua_State *L) {
  ConnBox *box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = (ConnBox){0};
  luaL_setmetatable(L, CONN_TYPE);
  return box;
}

static void free_notices(ConnBox *box) {
  if (!box->notices)
    return;
  buffer_free(&box->notices->text);
  free(box->notices);
  box->notices = NULL;
}

// conn.connect(conninfo) -> conn | nil, message, code
static int conn_open(lua_State *L) {
  const char *conninfo = luaL_checkstring(L, 1);
  ConnBox *box = push_conn(L);
  box->notices = calloc(1, sizeof *box->notices);
  if (!box->notices)
    return luaL_error(L, "out of memory");
  Error error;
  box->conn = conn_connect(conninfo, box->notices, &error);
  if (!box->conn)
    return push_failure(L, &error);
  return 1;
}

// conn.bytea(bytes) -> text: bytes as a parameter of type bytea takes them.
static int conn_bytea(lua_State *L) {
  size_t len;
  const char *bytes = luaL_checklstring(L, 1, &len);
  luaL_Buffer buffer;
  char *out = luaL_buffinitsize(L, &buffer, 2 * len + 2);
  out[0] = '\\';
  out[1] = 'x';
  hex_write(out + 2, bytes, len);
  luaL_pushresultsize(&buffer, 2 * len + 2);
  return 1;
}

static const char *float_text(lua_State *L, lua_Number value) {
  char text[64];
  if (isnan(value))
    return lua_pushliteral(L, "NaN");
  snprintf(text, sizeof text, "%.17g", value); // "inf" is fine with the server
  return lua_pushstring(L, text);
}

// The text of the parameter at `index`, kept alive by the stack; NULL: SQL NULL.
static const char *param_text(lua_State *L, int index) {
  size_t len;
  const char *text;
  switch (lua_type(L, index)) {
  case LUA_TNIL:
    return NULL;
  case LUA_TBOOLEAN:
    return lua_toboolean(L, index) ? "t" : "f";
  case LUA_TNUMBER:
    text = lua_isinteger(L, index) ? lua_pushfstring(L, "%I", lua_tointeger(L, index))
                                   : float_text(L, lua_tonumber(L, index));
    lua_replace(L, index);
    return text;
  case LUA_TSTRING:
    text = lua_tolstring(L, index, &len);
    luaL_argcheck(L, strlen(text) == len, index, "text with a NUL byte: pass bytes as conn.bytea");
    return text;
  default:
    luaL_typeerror(L, index, "string, number, boolean or nil");
    return NULL;
  }
}

// The parameters after the SQL at stack index 2. Pushes their array; *count is their number.
static const char *const *push_params(lua_State *L, int *count) {
  int top = lua_gettop(L);
  *count = top - 2;
  luaL_argcheck(L, *count <= MAX_PARAMS, 3, "more than 65535 parameters");
  luaL_checkstack(L, 8, NULL);
  const char **params = lua_newuserdatauv(L, sizeof *params * (size_t)(*count + 1), 0);
  for (int i = 0; i < *count; i++)
    params[i] = param_text(L, 3 + i);
  return params;
}

// conn:query(sql, ...) -> result | nil, message, code
static int method_query(lua_State *L) {
  ConnBox *box = check_free(L);
  const char *sql = luaL_checkstring(L, 2);
  int count;
  const char *const *params = push_params(L, &count);
  PGresult **slot = pg_push_result(L);
  Error error;
  *slot = conn_query(box->conn, sql, count, params, &error);
  return *slot ? 1 : push_failure(L, &error);
}

// conn:send(sql, ...) -> true | nil, message, code. Then conn.ready, and conn:receive.
static int method_send(lua_State *L) {
  ConnBox *box = check_free(L);
  const char *sql = luaL_checkstring(L, 2);
  int count;
  const char *const *params = push_params(L, &count);
  Error error;
  if (!conn_query_send(box->conn, sql, count, params, &error))
    return push_failure(L, &error);
  box->busy = "a statement";
  box->sent = true;
  lua_pushboolean(L, 1);
  return 1;
}

static ConnBox *check_sent(lua_State *L) {
  ConnBox *box = check_conn(L);
  luaL_argcheck(L, box->sent, 1, "no statement was sent");
  return box;
}

static void end_sent(ConnBox *box) {
  box->busy = NULL;
  box->sent = false;
}

// conn:receive() -> result | nil, message, code
static int method_receive(lua_State *L) {
  ConnBox *box = check_sent(L);
  PGresult **slot = pg_push_result(L);
  Error error;
  *slot = conn_query_receive(box->conn, &error);
  end_sent(box);
  return *slot ? 1 : push_failure(L, &error);
}

// conn:abandon(): the statement of conn:send is cancelled, its transaction rolled back
static int method_abandon(lua_State *L) {
  ConnBox *box = check_conn(L);
  if (box->sent) {
    conn_drain(box->conn);
    end_sent(box);
  }
  PGTransactionStatusType status = PQtransactionStatus(box->conn);
  if (status == PQTRANS_INTRANS || status == PQTRANS_INERROR)
    conn_control(box->conn, "rollback", "ROLLBACK", NULL);
  return 0;
}

// conn:stream(sql, ...) -> iterator, stream, nil, stream | nil, message, code
static int method_stream(lua_State *L) {
  ConnBox *box = check_free(L);
  const char *sql = luaL_checkstring(L, 2);
  int count;
  const char *const *params = push_params(L, &count);
  pg_push_stream(L);
  box->stream_in_transaction = PQtransactionStatus(box->conn) != PQTRANS_IDLE;
  Error error;
  if (!conn_stream_begin(box->conn, sql, count, params, &error))
    return push_failure(L, &error);
  pg_start_stream(L);
  luaL_getmetafield(L, -1, "__call"); // stream, iterator
  lua_insert(L, -2);
  lua_pushnil(L);
  lua_pushvalue(L, -2);
  return 4;
}

// conn:copy_to(copy, path, packing) -> bytes | nil, message, code
static int method_copy_to(lua_State *L) {
  return pg_copy_to(L, check_free(L));
}

// conn:copy_rows(copy, path, fields, rows) -> stored | nil, message, code
static int method_copy_rows(lua_State *L) {
  return pg_copy_rows(L, check_free(L));
}

// conn:exec(script) -> true | nil, message, code
static int method_exec(lua_State *L) {
  ConnBox *box = check_free(L);
  const char *script = luaL_checkstring(L, 2);
  Error error;
  if (!conn_exec(box->conn, script, &error))
    return push_failure(L, &error);
  lua_pushboolean(L, 1);
  return 1;
}

static bool scope_begin(PGconn *conn, bool nested, Error *error) {
  return nested ? conn_control(conn, "savepoint pghost", "SAVEPOINT", error)
                : conn_control(conn, "begin", "BEGIN", error);
}

static bool scope_commit(PGconn *conn, bool nested, Error *error) {
  if (PQtransactionStatus(conn) == PQTRANS_IDLE)
    return error_set(error, "25000", "the transaction was ended from inside");
  if (PQtransactionStatus(conn) == PQTRANS_INERROR)
    return error_set(error, "25P02",
                     "the transaction is rolled back: a statement in it had failed");
  return nested ? conn_control(conn, "release savepoint pghost", "RELEASE", error)
                : conn_control(conn, "commit", "COMMIT", error);
}

// The server may have undone it already, or be gone: nothing to report.
static void scope_undo(PGconn *conn, bool nested) {
  PGTransactionStatusType status = PQtransactionStatus(conn);
  if (status != PQTRANS_INTRANS && status != PQTRANS_INERROR)
    return;
  if (!nested)
    conn_control(conn, "rollback", "ROLLBACK", NULL);
  else if (conn_control(conn, "rollback to savepoint pghost", "ROLLBACK", NULL))
    conn_control(conn, "release savepoint pghost", "RELEASE", NULL);
}

// After the function of a transaction: whether we may end it on this connection.
static bool is_ours(ConnBox *box, bool failed, Error *error) {
  if (!box->conn)
    return error_set(error, "08003", "the connection was closed inside its transaction");
  pg_end_stream(box, failed);
  if (box->busy)
    return error_set(error, "25000", "the transaction ended while the connection is busy with %s",
                     box->busy);
  return true;
}

// Tells of a COMMIT before anything else can run out of memory.
static void tell_committed(lua_State *L, int told) {
  lua_pushvalue(L, told);
  if (lua_pcall(L, 0, 0, 0) != LUA_OK)
    lua_pop(L, 1);
}

// conn:transaction(fn, committed) -> true, results of fn | nil, message, code. An error of fn is
// raised again as it was. fn cannot yield: a coroutine that is never resumed would leave the
// transaction open. committed() is called right after the COMMIT, not after that of a savepoint.
static int method_transaction(lua_State *L) {
  ConnBox *box = check_free(L);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  if (!lua_isnoneornil(L, 3))
    luaL_checktype(L, 3, LUA_TFUNCTION);
  lua_settop(L, 3);
  Error error;
  bool nested = PQtransactionStatus(box->conn) != PQTRANS_IDLE;
  if (!scope_begin(box->conn, nested, &error))
    return push_failure(L, &error);
  lua_insert(L, 2); // conn, committed, fn
  lua_pushboolean(L, 1);
  lua_insert(L, 3); // conn, committed, true, fn
  bool failed = lua_pcall(L, 0, LUA_MULTRET, 0) != LUA_OK;
  bool ours = is_ours(box, failed, &error);
  bool room = lua_checkstack(L, 1);
  if (ours && !failed && scope_commit(box->conn, nested, &error)) {
    if (!nested && room && !lua_isnil(L, 2))
      tell_committed(L, 2);
    return lua_gettop(L) - 2;
  }
  if (ours)
    scope_undo(box->conn, nested);
  return failed ? lua_error(L) : push_failure(L, &error);
}

// Pushes one notice of `text` and returns where the next begins.
static const char *push_notice(lua_State *L, const char *text) {
  lua_createtable(L, 0, 2);
  lua_pushstring(L, text);
  lua_setfield(L, -2, "severity");
  text += strlen(text) + 1;
  lua_pushstring(L, text);
  lua_setfield(L, -2, "message");
  return text + strlen(text) + 1;
}

// conn:notices() -> list of {severity, message}, and how many were dropped; the queue is empty then
static int method_notices(lua_State *L) {
  Notices *notices = check_conn(L)->notices;
  lua_createtable(L, (int)notices->count, 0);
  const char *text = notices->text.data;
  for (size_t i = 1; i <= notices->count; i++) {
    text = push_notice(L, text);
    lua_rawseti(L, -2, (lua_Integer)i);
  }
  lua_pushinteger(L, (lua_Integer)notices->dropped);
  buffer_clear(&notices->text);
  notices->count = notices->dropped = 0;
  return 2;
}

// conn:cancel()
static int method_cancel(lua_State *L) {
  conn_cancel(check_conn(L)->conn);
  return 0;
}

// libpq's quoting depends on the connection's encoding, and refuses invalid UTF-8.
static int push_quoted(lua_State *L, char *(*quote)(PGconn *, const char *, size_t)) {
  ConnBox *box = check_conn(L);
  size_t len;
  const char *text = luaL_checklstring(L, 2, &len);
  luaL_argcheck(L, strlen(text) == len, 2, "text with a NUL byte");
  luaL_Buffer buffer;
  char *out = luaL_buffinitsize(L, &buffer, 2 * len + 8); // before the quoted text exists
  char *quoted = quote(box->conn, text, len);
  size_t size = quoted ? strlen(quoted) : 0;
  bool fits = quoted && size <= 2 * len + 8;
  if (fits)
    memcpy(out, quoted, size);
  PQfreemem(quoted);
  luaL_argcheck(L, fits, 2, "text that is not valid UTF-8");
  luaL_pushresultsize(&buffer, size);
  return 1;
}

// conn:quote_identifier(name) -> text
static int method_quote_identifier(lua_State *L) {
  return push_quoted(L, PQescapeIdentifier);
}

// conn:quote_literal(text) -> text
static int method_quote_literal(lua_State *L) {
  return push_quoted(L, PQescapeLiteral);
}

// conn:pid() -> integer: process id of the server's backend
static int method_pid(lua_State *L) {
  lua_pushinteger(L, PQbackendPID(check_conn(L)->conn));
  return 1;
}

static const char *status_of(const ConnBox *box) {
  if (!box->conn)
    return "closed";
  if (conn_is_lost(box->conn))
    return "lost";
  switch (PQtransactionStatus(box->conn)) {
  case PQTRANS_IDLE:
    return "idle";
  case PQTRANS_INTRANS:
    return "transaction";
  case PQTRANS_INERROR:
    return "failed";
  default:
    return "active";
  }
}

// conn:status() -> "idle" | "transaction" | "failed" | "active" | "lost" | "closed"
static int method_status(lua_State *L) {
  lua_pushstring(L, status_of(luaL_checkudata(L, 1, CONN_TYPE)));
  return 1;
}

// conn:description() -> text: where the connection leads to, without a password
static int method_description(lua_State *L) {
  PGconn *conn = check_conn(L)->conn;
  const char *host = PQhost(conn);
  lua_pushfstring(L, "database '%s' on %s port %s as '%s'", PQdb(conn),
                  host && *host ? host : "localhost", PQport(conn), PQuser(conn));
  return 1;
}

// __gc, and the end of close: a statement that still runs is cancelled, not left to the server.
static int finish(lua_State *L) {
  ConnBox *box = luaL_checkudata(L, 1, CONN_TYPE);
  if (box->conn)
    conn_leave(box->conn);
  PQfinish(box->conn);
  free_notices(box);
  *box = (ConnBox){0};
  return 0;
}

// conn:close(), __close
static int method_close(lua_State *L) {
  ConnBox *box = luaL_checkudata(L, 1, CONN_TYPE);
  if (box->conn && box->busy && !box->stream && !box->sent)
    return luaL_error(L, "the connection is busy with %s: end that before closing", box->busy);
  return finish(L);
}

static int conn_tostring(lua_State *L) {
  ConnBox *box = luaL_checkudata(L, 1, CONN_TYPE);
  lua_pushfstring(L, CONN_TYPE " (%s)", status_of(box));
  return 1;
}

enum { MAX_LIST = 256 };

// The connections of the list at stack index 1, none of them closed; returns their number.
static size_t list_conns(lua_State *L, PGconn **conns, bool sent) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Integer count = luaL_len(L, 1);
  luaL_argcheck(L, count <= MAX_LIST, 1, "too many connections");
  for (lua_Integer i = 0; i < count; i++) {
    lua_geti(L, 1, i + 1);
    ConnBox *box = luaL_checkudata(L, -1, CONN_TYPE);
    luaL_argcheck(L, box->conn && (sent ? box->sent : !box->busy), 1,
                  sent ? "a connection has no statement" : "a connection is closed or busy");
    conns[i] = box->conn;
    lua_pop(L, 1);
  }
  return (size_t)count;
}

// conn.commit_all(list) -> true | nil, message, code
static int conn_commit_list(lua_State *L) {
  PGconn *conns[MAX_LIST];
  Error error;
  size_t count = list_conns(L, conns, false);
  if (!conn_commit_all(conns, count, &error))
    return push_failure(L, &error);
  lua_pushboolean(L, true);
  return 1;
}

// conn.ready(list) -> index | nil, message, code: waits until one of them has something to receive
static int conn_ready(lua_State *L) {
  PGconn *conns[MAX_LIST];
  Error error;
  size_t count = list_conns(L, conns, true);
  luaL_argcheck(L, count > 0, 1, "no connection");
  int place = conn_wait_any(conns, count, &error);
  if (place < 0)
    return push_failure(L, &error);
  lua_pushinteger(L, place + 1);
  return 1;
}

// conn.libpq_version() -> string: "15.10"
static int conn_libpq_version(lua_State *L) {
  int version = PQlibVersion();
  lua_pushfstring(L, "%d.%d", version / 10000, version % 10000);
  return 1;
}

static const luaL_Reg functions[] = {
    {"connect", conn_open},
    {"bytea", conn_bytea},
    {"commit_all", conn_commit_list},
    {"ready", conn_ready},
    {"libpq_version", conn_libpq_version},
    {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"query", method_query},
    {"send", method_send},
    {"receive", method_receive},
    {"abandon", method_abandon},
    {"stream", method_stream},
    {"exec", method_exec},
    {"copy_to", method_copy_to},
    {"copy_rows", method_copy_rows},
    {"transaction", method_transaction},
    {"notices", method_notices},
    {"cancel", method_cancel},
    {"quote_identifier", method_quote_identifier},
    {"quote_literal", method_quote_literal},
    {"pid", method_pid},
    {"status", method_status},
    {"description", method_description},
    {"close", method_close},
    {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__tostring", conn_tostring},
    {"__close", method_close},
    {"__gc", finish},
    {NULL, NULL},
};

int luaopen_pghost_native_conn(lua_State *L) {
  pg_open_results(L);
  pg_open_streams(L);
  userdata_define(L, CONN_TYPE, metamethods, methods);
  luaL_newlib(L, functions);
  return 1;
}
