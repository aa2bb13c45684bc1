// See rules_convert.h.
#include "lua/rules_convert.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_STRING = 1 << 30 };

void rules_push_value(lua_State *L, const Program *program, const Scratch *scratch, size_t column) {
  const Value *value = scratch_value(scratch, column);
  const Field *text = scratch_text(scratch, column);
  if (value->null) {
    lua_pushnil(L);
    return;
  }
  switch (program_column_type(program, column)->kind->scalar) {
  case SCALAR_INTEGER:
    lua_pushinteger(L, value->integer);
    return;
  case SCALAR_BOOLEAN:
    lua_pushboolean(L, value->integer != 0);
    return;
  case SCALAR_REAL:
    lua_pushnumber(L, value->real);
    return;
  case SCALAR_TEXT:
    lua_pushlstring(L, text->data, text->len);
    return;
  }
}

// The shortest text that reads back as the same number.
static void float_text(lua_Number number, char out[RULES_NUMBER_SIZE]) {
  if (isnan(number) || isinf(number)) {
    snprintf(out, RULES_NUMBER_SIZE, "%s",
             isnan(number) ? "NaN" : (number < 0 ? "-Infinity" : "Infinity"));
    return;
  }
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(out, RULES_NUMBER_SIZE, "%.*g", digits, number);
    if (strtod(out, NULL) == number)
      return;
  }
}

static bool number_to_field(lua_State *L, int index, char number[RULES_NUMBER_SIZE], Field *out) {
  int is_integer;
  lua_Integer integer = lua_tointegerx(L, index, &is_integer);
  if (is_integer)
    snprintf(number, RULES_NUMBER_SIZE, LUA_INTEGER_FMT, integer);
  else
    float_text(lua_tonumber(L, index), number);
  *out = (Field){.data = number, .len = (uint32_t)strlen(number)};
  return true;
}

bool rules_to_field(lua_State *L, int index, char number[RULES_NUMBER_SIZE], Field *out) {
  size_t len;
  switch (lua_type(L, index)) {
  case LUA_TNIL:
    *out = (Field){.data = "", .null = true};
    return true;
  case LUA_TBOOLEAN:
    *out = lua_toboolean(L, index) ? (Field){.data = "true", .len = 4}
                                   : (Field){.data = "false", .len = 5};
    return true;
  case LUA_TNUMBER:
    return number_to_field(L, index, number, out);
  case LUA_TSTRING:
    out->data = lua_tolstring(L, index, &len);
    out->len = (uint32_t)len;
    out->null = false;
    return len <= LONGEST_STRING;
  default:
    return false;
  }
}
