// pghost.native.rules: programs compiled from rule tables, and trying one on single records.
//
// rules_compile.c reads the rule table. Running programs over batches is the load's business.
#include <lauxlib.h>
#include <lua.h>
#include <string.h>

#include "base/buffer.h"
#include "lua/boxes.h"
#include "lua/native.h"
#include "lua/rules_compile.h"
#include "lua/rules_convert.h"
#include "lua/rules_functions.h"
#include "lua/rules_record.h"
#include "lua/rules_values.h"
#include "lua/userdata.h"
#include "rules/rule_checks.h"
#include "rules/rule_ops.h"
#include "rules/text.h"

#define SCRATCH_TYPE "pghost.native.scratch"

typedef struct ScratchBox {
  Scratch *scratch;
} ScratchBox;

static Program *check_program(lua_State *L, int index) {
  ProgramBox *box = luaL_checkudata(L, index, PROGRAM_TYPE);
  luaL_argcheck(L, box->program, index, "program is closed");
  return box->program;
}

// program:columns() -> list of {name=, type=, required=}
static int program_columns(lua_State *L) {
  const Program *program = check_program(L, 1);
  size_t count = program_column_count(program);
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    char type[TYPE_NAME_SIZE];
    type_name(program_column_type(program, i), type, sizeof type);
    lua_createtable(L, 0, 3);
    lua_pushstring(L, program_column_name(program, i));
    lua_setfield(L, -2, "name");
    lua_pushstring(L, type);
    lua_setfield(L, -2, "type");
    lua_pushboolean(L, program_column_required(program, i));
    lua_setfield(L, -2, "required");
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

// program:needs_text() -> boolean
static int program_needs_text_method(lua_State *L) {
  lua_pushboolean(L, program_needs_text(check_program(L, 1)));
  return 1;
}

static int push_reject(lua_State *L, const char *column, const char *rule, const char *reason) {
  lua_pushnil(L);
  lua_createtable(L, 0, 3);
  lua_pushstring(L, column); // nil for NULL
  lua_setfield(L, -2, "column");
  lua_pushstring(L, rule);
  lua_setfield(L, -2, "rule");
  lua_pushstring(L, reason);
  lua_setfield(L, -2, "reason");
  return 2;
}

// Trailing zeros of the fraction off, as the server shows a time. Returns the length.
static size_t strip_fraction(char *text, size_t len) {
  char *dot = memchr(text, '.', len);
  if (!dot)
    return len;
  size_t at = (size_t)(dot - text), end = at + 1, kept;
  while (end < len && text[end] >= '0' && text[end] <= '9')
    end++;
  for (kept = end; kept > at && (text[kept - 1] == '0' || kept - 1 == at); kept--)
    ;
  memmove(text + kept, text + end, len - end);
  return len - (end - kept);
}

// A date or time as it is stored, whatever format it was read by.
static void push_moment(lua_State *L, const Program *program, const Scratch *scratch,
                        size_t column) {
  const Field *text = scratch_text(scratch, column);
  Buffer out = {0}, none = {0}; // moments have no bytes of their own
  type_encode_text(program_column_type(program, column), scratch_value(scratch, column), text->data,
                   text->len, &none, &out);
  char iso[64]; // a copy: pushing may raise
  size_t len = out.len < sizeof iso ? out.len : sizeof iso;
  memcpy(iso, out.data ? out.data : "", len);
  buffer_free(&out);
  lua_pushlstring(L, iso, strip_fraction(iso, len));
}

static void push_record(lua_State *L, const Program *program, const Scratch *scratch, bool iso) {
  size_t count = program_column_count(program);
  lua_createtable(L, (int)count, 1);
  for (size_t i = 0; i < count; i++) {
    if (iso && program_column_type(program, i)->kind->is_moment && !scratch_value(scratch, i)->null)
      push_moment(L, program, scratch, i);
    else
      rules_push_value(L, program, scratch, i);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_pushinteger(L, (lua_Integer)count);
  lua_setfield(L, -2, "n");
}

// A record as the reader gives it, from the list at index 2; the memory is left on the stack.
typedef struct TryInput {
  Field *fields;
  uint32_t *map;
  char (*numbers)[RULES_NUMBER_SIZE];
} TryInput;

static TryInput new_input(lua_State *L, size_t count) {
  return (TryInput){
      .fields = lua_newuserdatauv(L, (count + 1) * sizeof(Field), 0),
      .map = lua_newuserdatauv(L, (count + 1) * sizeof(uint32_t), 0),
      .numbers = lua_newuserdatauv(L, (count + 1) * RULES_NUMBER_SIZE, 0),
  };
}

static void read_input(lua_State *L, const Program *program, const TryInput *input) {
  size_t count = program_column_count(program);
  luaL_argcheck(L, lua_rawlen(L, 2) <= count, 2, "more values than columns");
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, 2, (lua_Integer)i + 1); // strings stay alive in the list
    if (!rules_to_field(L, -1, input->numbers[i], &input->fields[i]))
      luaL_argerror(L, 2,
                    lua_pushfstring(L, "%s: string, number, boolean or nil expected, got %s",
                                    program_column_name(program, i), luaL_typename(L, -1)));
    input->map[i] = (uint32_t)i;
    lua_pop(L, 1);
  }
}

// The reader never lets such text through to the rules, so neither does try.
static int find_unstorable(const Program *program, const TryInput *input) {
  for (size_t i = 0; i < program_column_count(program); i++)
    if (!text_storable(input->fields[i].data, input->fields[i].len))
      return (int)i;
  return -1;
}

static int free_scratch(lua_State *L) {
  ScratchBox *box = luaL_checkudata(L, 1, SCRATCH_TYPE);
  scratch_free(box->scratch);
  box->scratch = NULL;
  return 0;
}

static Scratch *new_scratch(lua_State *L, const Program *program) {
  ScratchBox *box = lua_newuserdatauv(L, sizeof *box, 0);
  box->scratch = NULL;
  luaL_setmetatable(L, SCRATCH_TYPE);
  lua_toclose(L, -1);
  box->scratch = scratch_new(program);
  if (!box->scratch)
    luaL_error(L, "out of memory");
  return box->scratch;
}

static void set_sample(lua_State *L, const char *text, bool null, const char *field) {
  if (null)
    return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, field);
}

// What cleaning changed in the one record that the scratch has seen.
static void push_changes(lua_State *L, const Program *program, const Scratch *scratch) {
  lua_newtable(L);
  for (size_t i = 0; i < program_count_slots(program); i++) {
    RuleCount count;
    scratch_count(program, scratch, i, &count);
    if (count.count == 0)
      continue;
    lua_createtable(L, 0, 4);
    lua_pushstring(L, count.column);
    lua_setfield(L, -2, "column");
    lua_pushstring(L, count.rule);
    lua_setfield(L, -2, "rule");
    set_sample(L, count.samples[0].before, count.samples[0].before_null, "before");
    set_sample(L, count.samples[0].after, count.samples[0].after_null, "after");
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  }
}

// program:try(values, iso?) -> {values..., n=}, changes | nil, {column=, rule=, reason=}
static int program_try(lua_State *L) {
  const Program *program = check_program(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  bool iso = lua_toboolean(L, 3);
  TryInput input = new_input(L, program_column_count(program));
  read_input(L, program, &input);
  int bad = find_unstorable(program, &input);
  if (bad >= 0)
    return push_reject(L, program_column_name(program, (size_t)bad), "encoding",
                       "not valid UTF-8 or a NUL byte");
  Scratch *scratch = new_scratch(L, program);
  Verdict verdict = program_run(program, scratch, input.fields, input.map);
  if (verdict == VERDICT_PASS && lua_rules_present(L, 1))
    verdict = lua_rules_run(L, 1, scratch);
  if (verdict == VERDICT_PASS) {
    push_record(L, program, scratch, iso);
    push_changes(L, program, scratch);
    return 2;
  }
  if (verdict == VERDICT_FILTER)
    return push_reject(L, NULL, "filter", "left out by a filter");
  const Reject *reject = scratch_reject(scratch);
  const char *column =
      reject->column < 0 ? NULL : program_column_name(program, (size_t)reject->column);
  return push_reject(L, column, reject->rule, reject->reason);
}

static int program_tostring(lua_State *L) {
  const Program *program = check_program(L, 1);
  lua_pushfstring(L, "%s (%d columns)", PROGRAM_TYPE, (int)program_column_count(program));
  return 1;
}

static int program_gc(lua_State *L) {
  ProgramBox *box = luaL_checkudata(L, 1, PROGRAM_TYPE);
  program_free(box->program);
  box->program = NULL;
  return 0;
}

// The names of the constants as a list on top of the stack.
static void push_constants(lua_State *L, const Constants *constants) {
  lua_newtable(L);
  for (size_t i = 0; constants->names[i]; i++) {
    lua_pushstring(L, constants->names[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

// Appends {name=, constants=} to the list on top.
static void push_kind(lua_State *L, const char *name, const Constants *constants) {
  lua_createtable(L, 0, 2);
  lua_pushstring(L, name);
  lua_setfield(L, -2, "name");
  push_constants(L, constants);
  lua_setfield(L, -2, "constants");
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

// operations() -> list of {name=, constants=}
static int rules_operations(lua_State *L) {
  const OperationKind *kind;
  lua_newtable(L);
  for (size_t i = 0; (kind = operation_kind(i)); i++)
    push_kind(L, kind->name, &kind->constants);
  return 1;
}

// checks() -> list of {name=, constants=}
static int rules_checks(lua_State *L) {
  const CheckKind *kind;
  lua_newtable(L);
  for (size_t i = 0; (kind = check_kind(i)); i++)
    push_kind(L, kind->name, &kind->constants);
  return 1;
}

// types() -> list of {name=, parameter=, length=, number=}
static int rules_types(lua_State *L) {
  static const char *const parameters[] = {"none", "length", "precision", "format", "other"};
  const TypeKind *kind;
  lua_newtable(L);
  for (size_t i = 0; (kind = type_kind(i)); i++) {
    lua_createtable(L, 0, 4);
    lua_pushstring(L, kind->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, parameters[kind->parameter]);
    lua_setfield(L, -2, "parameter");
    lua_pushinteger(L, kind->length);
    lua_setfield(L, -2, "length");
    lua_pushboolean(L, kind->is_number);
    lua_setfield(L, -2, "number");
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

static const luaL_Reg functions[] = {
    {"compile", rules_compile},
    {"operations", rules_operations},
    {"checks", rules_checks},
    {"types", rules_types},
    {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"columns", program_columns},
    {"needs_text", program_needs_text_method},
    {"try", program_try},
    {NULL, NULL},
};

// No __close: a program is shared by loads, and holds nothing but memory.
static const luaL_Reg metamethods[] = {
    {"__gc", program_gc},
    {"__tostring", program_tostring},
    {NULL, NULL},
};

static const luaL_Reg scratch_metamethods[] = {
    {"__gc", free_scratch},
    {"__close", free_scratch},
    {NULL, NULL},
};

int luaopen_pghost_native_rules(lua_State *L) {
  lua_record_open(L);
  luaL_newmetatable(L, SCRATCH_TYPE);
  luaL_setfuncs(L, scratch_metamethods, 0);
  userdata_define(L, PROGRAM_TYPE, metamethods, methods);
  luaL_newlib(L, functions);
  luaL_setfuncs(L, lua_value_functions, 0);
  return 1;
}
