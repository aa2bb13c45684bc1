// pghost.native.rules: compiles a rule table to a program, and tries a program on single records.
//
// The rule table is plain data as scripts/pghost/rules.lua makes it; here it is checked to the last
// field, since it may also be written by hand. Running programs over batches is the load's
// business.
#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>
#include <strings.h>

#include "bindings.h"
#include "boxes.h"
#include "lua_rules.h"
#include "rules/program_build.h"

#define SCRATCH_TYPE "pghost.rules.scratch"

enum { IDENTIFIER_MAX = 63 }; // bytes; NAMEDATALEN - 1 of PostgreSQL

typedef struct ScratchBox {
  Scratch *scratch;
} ScratchBox;

// What compile works on. Stack slots are absolute.
typedef struct Compiler {
  lua_State *L;
  Program *program;
  int functions;      // table: the functions of Lua rules
  int anchors;        // table: strings that constants point into
  const char *table;  // name of the rule table
  const char *column; // name of the column at work, NULL: none
} Compiler;

static Program *check_program(lua_State *L, int index) {
  ProgramBox *box = luaL_checkudata(L, index, PROGRAM_TYPE);
  luaL_argcheck(L, box->program, index, "program is closed");
  return box->program;
}

// ---- misuse

static int misuse(const Compiler *compiler, const char *message) {
  if (compiler->column)
    return luaL_error(compiler->L, "rules '%s': column '%s': %s", compiler->table, compiler->column,
                      message);
  return luaL_error(compiler->L, "rules '%s': %s", compiler->table, message);
}

static void check(const Compiler *compiler, bool good, const Error *error) {
  if (!good)
    luaL_error(compiler->L, "rules '%s': %s", compiler->table, error->message);
}

// ---- fields of the rule table; each leaves the value on the stack

static int get_table(const Compiler *compiler, int index, const char *field) {
  int type = lua_getfield(compiler->L, index, field);
  if (type != LUA_TTABLE && type != LUA_TNIL)
    misuse(compiler, lua_pushfstring(compiler->L, "%s: table expected, got %s", field,
                                     lua_typename(compiler->L, type)));
  return type;
}

static const char *get_string(const Compiler *compiler, int index, const char *field) {
  int type = lua_getfield(compiler->L, index, field);
  if (type != LUA_TSTRING)
    misuse(compiler, lua_pushfstring(compiler->L, "%s: string expected, got %s", field,
                                     lua_typename(compiler->L, type)));
  return lua_tostring(compiler->L, -1);
}

// The scalar on top as text that lives as long as the anchors table. Pops it.
static Field take_constant(const Compiler *compiler, const char *what) {
  lua_State *L = compiler->L;
  char number[LUA_RULES_NUMBER_SIZE];
  Field text;
  if (!lua_rules_to_field(L, -1, number, &text) || text.null)
    misuse(compiler, lua_pushfstring(L, "%s: string, number or boolean expected, got %s", what,
                                     luaL_typename(L, -1)));
  if (!text_storable(text.data, text.len))
    misuse(compiler, lua_pushfstring(L, "%s: not valid UTF-8", what));
  text.data = lua_pushlstring(L, text.data, text.len);
  lua_rawseti(L, compiler->anchors, (lua_Integer)lua_rawlen(L, compiler->anchors) + 1);
  lua_pop(L, 1);
  return text;
}

static Field get_constant(const Compiler *compiler, int index, const char *field) {
  lua_getfield(compiler->L, index, field);
  return take_constant(compiler, field);
}

// The list in `field` as an array in a userdata that is left on the stack.
static const Field *get_constants(const Compiler *compiler, int index, const char *field,
                                  size_t *count) {
  lua_State *L = compiler->L;
  if (get_table(compiler, index, field) == LUA_TNIL)
    misuse(compiler, lua_pushfstring(L, "%s: list expected, got nil", field));
  int list = lua_gettop(L);
  *count = lua_rawlen(L, list);
  Field *fields = lua_newuserdatauv(L, (*count + 1) * sizeof *fields, 0);
  for (size_t i = 0; i < *count; i++) {
    lua_rawgeti(L, list, (lua_Integer)i + 1);
    fields[i] = take_constant(compiler, field);
  }
  return fields;
}

static uint64_t get_count(const Compiler *compiler, int index, const char *field,
                          uint64_t missing) {
  lua_State *L = compiler->L;
  int is_integer;
  if (lua_getfield(L, index, field) == LUA_TNIL) {
    lua_pop(L, 1);
    return missing;
  }
  lua_Integer value = lua_tointegerx(L, -1, &is_integer);
  if (!is_integer || value < 0)
    misuse(compiler, lua_pushfstring(L, "%s: integer from 0 expected, got '%s'", field,
                                     luaL_tolstring(L, -1, NULL)));
  lua_pop(L, 1);
  return (uint64_t)value;
}

static bool get_flag(const Compiler *compiler, int index, const char *field) {
  lua_getfield(compiler->L, index, field);
  bool set = lua_toboolean(compiler->L, -1);
  lua_pop(compiler->L, 1);
  return set;
}

// Position of a word in a NULL-terminated list, -1: not there.
static int find_word(const char *const *words, const char *word) {
  for (int i = 0; words[i]; i++)
    if (strcmp(words[i], word) == 0)
      return i;
  return -1;
}

// ---- operations and checks of the column added last

// In the order of OperationKind.
static const char *const operation_words[] = {"trim",  "unquote", "null_if", "lower",
                                              "upper", "replace", "default", NULL};

static void add_operation(const Compiler *compiler, int index) {
  lua_State *L = compiler->L;
  const char *word = get_string(compiler, index, "op");
  int kind = find_word(operation_words, word);
  Field pair[2];
  const Field *values = pair;
  size_t count = 0;
  if (kind < 0)
    misuse(compiler, lua_pushfstring(L, "unknown operation '%s'", word));
  if (kind == OPERATION_NULL_IF) {
    values = get_constants(compiler, index, "values", &count);
  } else if (kind == OPERATION_REPLACE) {
    pair[0] = get_constant(compiler, index, "from");
    pair[1] = get_constant(compiler, index, "to");
    count = 2;
  } else if (kind == OPERATION_DEFAULT) {
    pair[0] = get_constant(compiler, index, "value");
    count = 1;
  }
  Error error;
  bool ignore_case = get_flag(compiler, index, "ignore_case");
  check(compiler,
        program_add_operation(compiler->program, (OperationKind)kind, values, count, ignore_case,
                              &error),
        &error);
}

static bool add_range(const Compiler *compiler, int index, Error *error) {
  lua_State *L = compiler->L;
  Field min;
  Field max;
  bool has_min = lua_getfield(L, index, "min") != LUA_TNIL;
  bool has_max = lua_getfield(L, index, "max") != LUA_TNIL;
  lua_pop(L, 2);
  if (has_min)
    min = get_constant(compiler, index, "min");
  if (has_max)
    max = get_constant(compiler, index, "max");
  return program_add_range(compiler->program, has_min ? &min : NULL, has_max ? &max : NULL, error);
}

static void add_check(const Compiler *compiler, int index) {
  lua_State *L = compiler->L;
  const char *word = get_string(compiler, index, "check");
  Error error;
  bool good = false;
  if (strcmp(word, "required") == 0) {
    good = program_add_required(compiler->program, &error);
  } else if (strcmp(word, "one_of") == 0) {
    size_t count;
    const Field *values = get_constants(compiler, index, "values", &count);
    good = program_add_one_of(compiler->program, values, count, &error);
  } else if (strcmp(word, "range") == 0) {
    good = add_range(compiler, index, &error);
  } else if (strcmp(word, "length") == 0) {
    uint64_t min = get_count(compiler, index, "min", 0);
    uint64_t max = get_count(compiler, index, "max", UINT64_MAX);
    good = program_add_length(compiler->program, min, max, &error);
  } else if (strcmp(word, "matches") == 0) {
    Field pattern = get_constant(compiler, index, "pattern");
    good = program_add_matches(compiler->program, &pattern, &error);
  } else {
    misuse(compiler, lua_pushfstring(L, "unknown check '%s'", word));
  }
  check(compiler, good, &error);
}

// Calls `add` with the stack index of each element of a list of tables.
static void each_entry(const Compiler *compiler, int index, const char *field,
                       void (*add)(const Compiler *, int)) {
  lua_State *L = compiler->L;
  int top = lua_gettop(L);
  if (get_table(compiler, index, field) == LUA_TTABLE) {
    lua_Integer count = (lua_Integer)lua_rawlen(L, top + 1);
    for (lua_Integer i = 1; i <= count; i++) {
      if (lua_rawgeti(L, top + 1, i) != LUA_TTABLE)
        misuse(compiler, lua_pushfstring(L, "%s: entry %I is a %s, table expected", field,
                                         (LUAI_UACINT)i, luaL_typename(L, -1)));
      add(compiler, top + 2);
      lua_settop(L, top + 1);
    }
  }
  lua_settop(L, top);
}

// In the order of FailureAction.
static const char *const action_words[] = {"reject", "null", "default", "warn", NULL};

static void set_failure(const Compiler *compiler, int index) {
  lua_State *L = compiler->L;
  if (get_table(compiler, index, "failure") == LUA_TNIL)
    return;
  int failure = lua_gettop(L);
  const char *word = get_string(compiler, failure, "action");
  int action = find_word(action_words, word);
  Field value = {.data = ""};
  Error error;
  if (action < 0)
    misuse(compiler, lua_pushfstring(L, "on_fail: unknown action '%s'", word));
  if (action == FAILURE_DEFAULT)
    value = get_constant(compiler, failure, "value");
  check(compiler, program_set_failure(compiler->program, (FailureAction)action, &value, &error),
        &error);
}

// ---- columns

static int find_column(const Compiler *compiler, const char *name, bool any_case) {
  for (size_t i = 0; i < program_column_count(compiler->program); i++) {
    const char *other = program_column_name(compiler->program, i);
    if ((any_case ? strcasecmp(name, other) : strcmp(name, other)) == 0)
      return (int)i;
  }
  return -1;
}

// Headers are matched in any case, so names that differ in nothing else would be one column.
static void check_name(const Compiler *compiler, const char *name, size_t len) {
  if (len == 0 || len > IDENTIFIER_MAX)
    misuse(compiler, "a column name has 1 to 63 bytes");
  if (!text_storable(name, len))
    misuse(compiler, "a column name must be valid UTF-8");
  if (find_column(compiler, name, true) >= 0)
    misuse(compiler, "the name is there twice");
}

static void add_column(Compiler *compiler, int index) {
  lua_State *L = compiler->L;
  Type type;
  Error error;
  size_t len;
  compiler->column = NULL;
  get_string(compiler, index, "name");
  compiler->column = lua_tolstring(L, -1, &len);
  check_name(compiler, compiler->column, len);
  const char *sql_type = get_string(compiler, index, "type");
  if (!type_from_name(sql_type, &type))
    misuse(compiler, lua_pushfstring(L, "unknown type '%s'", sql_type));
  lua_getfield(L, index, "format");
  const char *format = lua_isnil(L, -1) ? NULL : get_string(compiler, index, "format");
  Field name = {.data = compiler->column, .len = (uint32_t)len};
  check(compiler, program_add_column(compiler->program, &name, &type, format, &error), &error);
  each_entry(compiler, index, "operations", add_operation);
  each_entry(compiler, index, "checks", add_check);
  set_failure(compiler, index);
}

static void add_columns(Compiler *compiler, int index) {
  lua_State *L = compiler->L;
  int top = lua_gettop(L);
  lua_Integer count = (lua_Integer)lua_rawlen(L, index);
  for (lua_Integer i = 1; i <= count; i++) {
    if (lua_rawgeti(L, index, i) != LUA_TTABLE)
      misuse(compiler, lua_pushfstring(L, "column %I is a %s, table expected", (LUAI_UACINT)i,
                                       luaL_typename(L, -1)));
    add_column(compiler, top + 1);
    lua_settop(L, top);
  }
  compiler->column = NULL;
}

// ---- row rules

// In the order of CompareOp.
static const char *const compare_words[] = {
    "<", "<=", "=", "<>", ">=", ">", "is null", "is not null", NULL};

static CompareOp get_op(const Compiler *compiler, int index) {
  const char *word = get_string(compiler, index, "op");
  int op = find_word(compare_words, word);
  if (op < 0)
    misuse(compiler, lua_pushfstring(compiler->L, "unknown operator '%s'", word));
  return (CompareOp)op;
}

// The column named by the string on top. Pops it.
static size_t take_column(const Compiler *compiler, const char *rule) {
  lua_State *L = compiler->L;
  if (lua_type(L, -1) != LUA_TSTRING)
    misuse(compiler,
           lua_pushfstring(L, "%s: column name expected, got %s", rule, luaL_typename(L, -1)));
  int column = find_column(compiler, lua_tostring(L, -1), false);
  if (column < 0)
    misuse(compiler, lua_pushfstring(L, "%s: unknown column '%s'", rule, lua_tostring(L, -1)));
  lua_pop(L, 1);
  return (size_t)column;
}

static size_t get_column(const Compiler *compiler, int index, const char *rule, const char *field) {
  lua_getfield(compiler->L, index, field);
  return take_column(compiler, rule);
}

static void add_compare(const Compiler *compiler, int index) {
  Error error;
  size_t left = get_column(compiler, index, "compare", "left");
  size_t right = get_column(compiler, index, "compare", "right");
  CompareOp op = get_op(compiler, index);
  if (op >= COMPARE_IS_NULL)
    misuse(compiler, "compare: only < <= = <> >= > compare columns");
  check(compiler, program_add_compare(compiler->program, left, op, right, &error), &error);
}

static void add_value_filter(const Compiler *compiler, int index) {
  Error error;
  Field value = {.data = ""};
  size_t column = get_column(compiler, index, "filter", "column");
  CompareOp op = get_op(compiler, index);
  if (op < COMPARE_IS_NULL)
    value = get_constant(compiler, index, "value");
  check(compiler, program_add_filter(compiler->program, column, op, &value, &error), &error);
}

static void add_lua_rule(const Compiler *compiler, int index, const char *word, RowKind kind) {
  lua_State *L = compiler->L;
  Error error;
  if (get_table(compiler, index, "columns") == LUA_TNIL)
    misuse(compiler, lua_pushfstring(L, "%s: list of columns expected", word));
  int list = lua_gettop(L);
  size_t count = lua_rawlen(L, list);
  uint32_t *columns = lua_newuserdatauv(L, (count + 1) * sizeof *columns, 0);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, list, (lua_Integer)i + 1);
    columns[i] = (uint32_t)take_column(compiler, word);
  }
  size_t target = kind == ROW_LUA_SET ? get_column(compiler, index, word, "column") : 0;
  if (lua_getfield(L, index, "fn") != LUA_TFUNCTION)
    misuse(compiler,
           lua_pushfstring(L, "%s: function expected, got %s", word, luaL_typename(L, -1)));
  lua_Integer function = (lua_Integer)lua_rawlen(L, compiler->functions) + 1;
  lua_rawseti(L, compiler->functions, function);
  check(
      compiler,
      program_add_lua(compiler->program, kind, columns, count, target, (uint32_t)function, &error),
      &error);
}

static void add_row(const Compiler *compiler, int index) {
  const char *word = get_string(compiler, index, "rule");
  lua_getfield(compiler->L, index, "fn");
  bool has_function = !lua_isnil(compiler->L, -1);
  if (strcmp(word, "compare") == 0)
    add_compare(compiler, index);
  else if (strcmp(word, "check") == 0)
    add_lua_rule(compiler, index, word, ROW_LUA_CHECK);
  else if (strcmp(word, "set") == 0)
    add_lua_rule(compiler, index, word, ROW_LUA_SET);
  else if (strcmp(word, "filter") == 0 && has_function)
    add_lua_rule(compiler, index, word, ROW_LUA_FILTER);
  else if (strcmp(word, "filter") == 0)
    add_value_filter(compiler, index);
  else
    misuse(compiler, lua_pushfstring(compiler->L, "unknown row rule '%s'", word));
}

// ---- functions

// rules.compile(rules) -> program
static int rules_compile(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  ProgramBox *box = lua_newuserdatauv(L, sizeof *box, 1);
  *box = (ProgramBox){0};
  luaL_setmetatable(L, PROGRAM_TYPE);
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 2, 1);
  lua_newtable(L); // rules, box, functions, anchors

  Compiler compiler = {.L = L, .functions = 3, .anchors = 4, .table = "?"};
  compiler.table = get_string(&compiler, 1, "name");
  box->program = program_new();
  if (!box->program)
    return luaL_error(L, "not enough memory");
  compiler.program = box->program;
  add_columns(&compiler, 1);
  each_entry(&compiler, 1, "row", add_row);
  Error error;
  check(&compiler, program_finish(box->program, &error), &error);
  lua_settop(L, 2);
  return 1;
}

// ---- methods

// program:columns() -> list of {name=, type=, required=}
static int program_columns(lua_State *L) {
  const Program *program = check_program(L, 1);
  size_t count = program_column_count(program);
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    char type[64];
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

static int push_failure(lua_State *L, const char *column, const char *rule, const char *reason) {
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

static void push_record(lua_State *L, const Program *program, const Scratch *scratch) {
  size_t count = program_column_count(program);
  lua_createtable(L, (int)count, 1);
  for (size_t i = 0; i < count; i++) {
    lua_rules_push_value(L, program, scratch, i);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_pushinteger(L, (lua_Integer)count);
  lua_setfield(L, -2, "n");
}

// A record as the reader gives it, from the list at index 2; the memory is left on the stack.
typedef struct TryInput {
  Field *fields;
  uint32_t *map;
  char (*numbers)[LUA_RULES_NUMBER_SIZE];
} TryInput;

static TryInput new_input(lua_State *L, size_t count) {
  return (TryInput){
      .fields = lua_newuserdatauv(L, (count + 1) * sizeof(Field), 0),
      .map = lua_newuserdatauv(L, (count + 1) * sizeof(uint32_t), 0),
      .numbers = lua_newuserdatauv(L, (count + 1) * LUA_RULES_NUMBER_SIZE, 0),
  };
}

static void read_input(lua_State *L, const Program *program, const TryInput *input) {
  size_t count = program_column_count(program);
  luaL_argcheck(L, lua_rawlen(L, 2) <= count, 2, "more values than columns");
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti(L, 2, (lua_Integer)i + 1); // strings stay alive in the list
    if (!lua_rules_to_field(L, -1, input->numbers[i], &input->fields[i]))
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
    luaL_error(L, "not enough memory");
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
    set_sample(L, count.before, count.before_null, "before");
    set_sample(L, count.after, count.after_null, "after");
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  }
}

// program:try(values) -> {values..., n=}, changes | nil, {column=, rule=, reason=}
static int program_try(lua_State *L) {
  const Program *program = check_program(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  TryInput input = new_input(L, program_column_count(program));
  read_input(L, program, &input);
  int bad = find_unstorable(program, &input);
  if (bad >= 0)
    return push_failure(L, program_column_name(program, (size_t)bad), "encoding",
                        "not valid UTF-8 or a NUL byte");
  Scratch *scratch = new_scratch(L, program);
  Verdict verdict = program_run(program, scratch, input.fields, input.map);
  if (verdict == VERDICT_PASS && lua_rules_present(L, 1))
    verdict = lua_rules_run(L, 1, scratch);
  if (verdict == VERDICT_PASS) {
    push_record(L, program, scratch);
    push_changes(L, program, scratch);
    return 2;
  }
  if (verdict == VERDICT_FILTER)
    return push_failure(L, NULL, "filter", "left out by a filter");
  const Reject *reject = scratch_reject(scratch);
  const char *column =
      reject->column < 0 ? NULL : program_column_name(program, (size_t)reject->column);
  return push_failure(L, column, reject->rule, reject->reason);
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

static const luaL_Reg functions[] = {
    {"compile", rules_compile},
    {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"columns", program_columns},
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
  luaL_newmetatable(L, SCRATCH_TYPE);
  luaL_setfuncs(L, scratch_metamethods, 0);
  luaL_newmetatable(L, PROGRAM_TYPE);
  luaL_setfuncs(L, metamethods, 0);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  return 1;
}
