// A COPY ... FROM STDIN of rows in a file. One function of the connection, without a type: nothing
// of it remains when the call returns.
#include <errno.h>
#include <lauxlib.h>

#include "lua/failure.h"
#include "lua/pg.h"
#include "pg/copy_rows.h"

// The list of numbers at `list` as a userdata block left on the stack.
static const int64_t *read_numbers(lua_State *L, int list, size_t *count) {
  luaL_checktype(L, list, LUA_TTABLE);
  *count = (size_t)luaL_len(L, list);
  int64_t *numbers = lua_newuserdatauv(L, (*count + 1) * sizeof *numbers, 0);
  for (size_t i = 0; i < *count; i++) {
    lua_geti(L, list, (lua_Integer)i + 1);
    numbers[i] = luaL_checkinteger(L, -1);
    lua_pop(L, 1);
  }
  return numbers;
}

int pg_copy_rows(lua_State *L, ConnBox *box) {
  Error error;
  uint64_t stored;
  lua_settop(L, 5);
  const char *copy = luaL_checkstring(L, 2);
  const char *path = luaL_checkstring(L, 3);
  RowChoice choice = {.fields = (unsigned)luaL_optinteger(L, 4, 0)};
  if (!lua_isnil(L, 5))
    choice.rows = read_numbers(L, 5, &choice.count);
  FILE *file = fopen(path, "rb");
  if (!file) {
    error_set_errno(&error, errno, "could not open '%s'", path);
    return push_failure(L, &error);
  }
  bool good = copy_rows(box->conn, copy, file, &choice, &stored, &error);
  fclose(file);
  if (!good)
    return push_failure(L, &error);
  lua_pushinteger(L, (lua_Integer)stored);
  return 1;
}
