// A COPY ... TO STDOUT into a file, compressed or not. One function of the connection, without a
// type: nothing of it remains when the call returns.
#include <lauxlib.h>

#include "csv/output.h"
#include "lua/failure.h"
#include "lua/pg.h"
#include "pg/copy.h"

// Nothing in here can raise: the output and libpq's pieces have no box.
static bool copy_all(PGconn *conn, const char *copy, Output *output, uint64_t *bytes,
                     Error *error) {
  if (!copy_out_begin(conn, copy, error))
    return false;
  for (;;) {
    char *piece;
    ptrdiff_t len = copy_out_next(conn, &piece, error);
    if (len <= 0)
      return len == 0;
    bool good = output_write(output, piece, (size_t)len, error);
    PQfreemem(piece);
    if (!good) {
      conn_drain(conn);
      return false;
    }
    *bytes += (uint64_t)len;
  }
}

int pg_copy_to(lua_State *L, ConnBox *box) {
  const char *copy = luaL_checkstring(L, 2);
  const char *path = luaL_optstring(L, 3, NULL);
  const char *packing = luaL_optstring(L, 4, path ? output_packing(path) : NULL);
  Error error;
  Output *output = output_open(path, packing, &error);
  if (!output)
    return push_failure(L, &error);
  uint64_t bytes = 0;
  if (!copy_all(box->conn, copy, output, &bytes, &error)) {
    output_abort(output);
    return push_failure(L, &error);
  }
  if (!output_finish(output, &error))
    return push_failure(L, &error);
  lua_pushinteger(L, (lua_Integer)bytes);
  return 1;
}
