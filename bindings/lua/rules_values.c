// Functions for rules written in Lua: trim, unquote, null_if, boolean and date of one value.
//
// Each gives nil for nil, so that they can be nested. Not for columns: those have operations.
#include "lua/rules_values.h"

#include <string.h>

#include "rules/rule_ops.h"
#include "rules/type.h"

static int apply(lua_State *L, const OperationKind *kind) {
  Arena none = {0}; // neither of the two makes new text
  Operation operation = {.kind = kind};
  if (lua_isnoneornil(L, 1))
    return 0;
  size_t len;
  Field cell = {.data = luaL_checklstring(L, 1, &len)};
  luaL_argcheck(L, len <= UINT32_MAX, 1, "too long");
  cell.len = (uint32_t)len;
  lua_settop(L, 1);
  if (operation_apply(&operation, &cell, &none))
    lua_pushlstring(L, cell.data, cell.len);
  return 1;
}

// trim(text) -> text
static int value_trim(lua_State *L) {
  return apply(L, &operation_trim);
}

// unquote(text) -> text
static int value_unquote(lua_State *L) {
  return apply(L, &operation_unquote);
}

// null_if(value, ...) -> value | nil
static int value_null_if(lua_State *L) {
  int count = lua_gettop(L);
  for (int i = 2; i <= count; i++)
    if (lua_rawequal(L, 1, i))
      return 0;
  lua_settop(L, 1);
  return 1;
}

// Parses the text at stack index 1. False: nil, or not of the type.
static bool parse(lua_State *L, const Type *type, Value *value) {
  Buffer none = {0}; // neither booleans nor dates put anything there
  const char *reason;
  size_t len;
  if (lua_isnoneornil(L, 1))
    return false;
  const char *text = luaL_checklstring(L, 1, &len);
  return type_parse(type, text, len, &none, value, &reason);
}

// boolean(text or boolean) -> boolean | nil
static int value_boolean(lua_State *L) {
  const Type type = {.kind = &type_boolean};
  Value value;
  if (lua_isboolean(L, 1)) {
    lua_settop(L, 1);
    return 1;
  }
  if (!parse(L, &type, &value))
    return 0;
  lua_pushboolean(L, value.integer != 0);
  return 1;
}

// date(text, format) -> "YYYY-MM-DD" | nil
static int value_date(lua_State *L) {
  Type type = {.kind = &type_date};
  Value value;
  const char *format = luaL_optstring(L, 2, NULL);
  const char *reason;
  if (format && !type_set_format(&type, format, &reason))
    return luaL_argerror(L, 2, reason);
  if (!parse(L, &type, &value))
    return 0;
  char text[TYPE_DATE_SIZE];
  lua_pushlstring(L, text, type_write_date(value.integer, text));
  return 1;
}

const luaL_Reg lua_value_functions[] = {
    {"trim", value_trim},       {"unquote", value_unquote}, {"null_if", value_null_if},
    {"boolean", value_boolean}, {"date", value_date},       {NULL, NULL},
};
