// What the Lua-facing files of the PostgreSQL connection share: errors, rows, results, streams.
#ifndef PGHOST_LUA_PG_H
#define PGHOST_LUA_PG_H

#include <lua.h>

#include "pg/conn.h"

#define CONN_TYPE "pghost.native.connection"

// Created closed (all zero) with its metatable before there is a connection.
typedef struct ConnBox {
  PGconn *conn; // NULL: closed
  Notices *notices;
  const char *busy;   // NULL, or what is using the connection: "a load", "a stream", "a statement"
  const void *stream; // the stream that is being read (busy is "a stream" then), or NULL
  bool stream_in_transaction;
  bool sent; // the statement of conn:send is under way (busy is "a statement" then)
} ConnBox;

// Pushes the metatable that the rows of one result share.
void pg_push_row_type(lua_State *L, const PGresult *result);

// Pushes row `row` (from 0) as a table with the metatable at stack index `type`. The row owns its
// values: it outlives the result.
void pg_push_row(lua_State *L, const PGresult *result, int row, int type);

// Pushes a list: the names of the columns, of their types.
void pg_push_columns(lua_State *L, const PGresult *result);
void pg_push_types(lua_State *L, const PGresult *result);

// Pushes an empty result whose slot the caller fills at once; the box owns and clears it.
PGresult **pg_push_result(lua_State *L);

// Pushes a stream over the connection at stack index 1, not started.
void pg_push_stream(lua_State *L);

// The stream on top of the stack has begun: it holds the connection until its end.
void pg_start_stream(lua_State *L);

// Ends the stream that holds the connection, if any, whatever state it is in. A stream in an open
// transaction is read to its end, because a cancel would fail the transaction; with `hurry` it is
// cancelled anyway.
void pg_end_stream(ConnBox *box, bool hurry);

// Runs the COPY ... TO STDOUT at stack index 2 into the file at 3 (none: standard output),
// compressed as 4 says or, without 4, by its extension. Pushes the number of bytes before
// compression, or nil, message, code.
int pg_copy_to(lua_State *L, ConnBox *box);

// Runs the COPY ... FROM STDIN at stack index 2 with rows of the file at 3: the first fields of
// each, as many as 4 says, of the rows whose numbers are in the list at 5 (nil: all). Pushes the
// server's row count, or nil, message, code.
int pg_copy_rows(lua_State *L, ConnBox *box);

// Create the metatables of results and streams.
void pg_open_results(lua_State *L);
void pg_open_streams(lua_State *L);

#endif
