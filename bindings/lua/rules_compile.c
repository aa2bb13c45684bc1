// Compiling a rule table to a program.
//
// The rule table is plain data as scripts/pghost/rules.lua makes it; here it is checked to the last
// field, since it may also be written by hand. Misuse raises, with the position of the caller.
#include "lua/rules_compile.h"

#include <lauxlib.h>
#include <strings.h>

#include "base/nearest.h"
#include "lua/boxes.h"
#include "lua/rules_convert.h"
#include "lua/rules_record.h"
#include "rules/program_build.h"
#include "rules/text.h"

enum { IDENTIFIER_MAX = 63 }; // bytes; NAMEDATALEN - 1 of PostgreSQL

// What compile works on. Stack slots are absolute.
typedef struct Compiler {
  lua_State *L;
  Program *program;
  int functions;      // table: the functions of Lua rules
  int anchors;        // table: strings that constants point into
  const char *table;  // name of the rule table
  const char *column; // name of the column at work, NULL: none
} Compiler;

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
  char number[RULES_NUMBER_SIZE];
  Field text;
  if (!rules_to_field(L, -1, number, &text) || text.null)
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
static const Field *get_list(const Compiler *compiler, int index, const char *field,
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

// A constant's name in the rule table, without the sign after it in Constants; pushed.
static const char *push_name(lua_State *L, const char *name, char *sign) {
  size_t len = strcspn(name, "?*");
  *sign = name[len];
  return lua_pushlstring(L, name, len);
}

// The constants in their order: `pair`, or an array in a userdata that is left on the stack.
static const Field *get_constants(const Compiler *compiler, int index, const Constants *constants,
                                  Field pair[MAX_CONSTANTS], size_t *count) {
  lua_State *L = compiler->L;
  for (*count = 0; constants->names[*count]; ++*count) {
    char sign;
    const char *name = push_name(L, constants->names[*count], &sign);
    if (sign == '*')
      return get_list(compiler, index, name, count);
    lua_getfield(L, index, name);
    if (sign == '?' && lua_isnil(L, -1))
      pair[*count] = (Field){.data = "", .null = true};
    else
      pair[*count] = take_constant(compiler, name);
  }
  return pair;
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

// ---- keys that mean nothing, as a misspelt one would be skipped

// The key at the top but one of the stack is none of `known`, a list with NULL after the last.
static void refuse_key(const Compiler *compiler, const char *what, const char *const *known) {
  lua_State *L = compiler->L;
  const char *key = luaL_tolstring(L, -2, NULL);
  size_t count = 0;
  while (known[count])
    count++;
  const char *nearest = nearest_word(key, known, count);
  lua_pushfstring(L, nearest ? ": did you mean '%s'?" : "", nearest);
  misuse(compiler, lua_pushfstring(L, "%s: unknown key '%s'%s", what, key, lua_tostring(L, -1)));
}

// Integer keys are the columns' where `list`.
static void check_known(const Compiler *compiler, int index, const char *what,
                        const char *const *known, bool list) {
  lua_State *L = compiler->L;
  lua_pushnil(L);
  while (lua_next(L, index)) { // key, value
    bool string = lua_type(L, -2) == LUA_TSTRING;
    if (!(list && lua_isinteger(L, -2)) && !(string && find_word(known, lua_tostring(L, -2)) >= 0))
      refuse_key(compiler, what, known);
    lua_pop(L, 1);
  }
}

// Of an operation's or a check's entry: its word, the constants, and `more` (or NULL).
static void check_keys(const Compiler *compiler, int index, const char *word,
                       const Constants *constants, const char *more) {
  lua_State *L = compiler->L;
  const char *known[MAX_CONSTANTS + 3] = {word, NULL};
  size_t count = 1;
  int top = lua_gettop(L);
  for (size_t i = 0; constants->names[i]; i++)
    known[count++] = push_name(L, constants->names[i], &(char){0});
  known[count++] = more;
  known[count] = NULL;
  check_known(compiler, index, word, known, false);
  lua_settop(L, top);
}

// ---- operations and checks of the column added last

static void add_operation(const Compiler *compiler, int index) {
  const char *word = get_string(compiler, index, "op");
  const OperationKind *kind = operation_find(word);
  if (!kind)
    misuse(compiler, lua_pushfstring(compiler->L, "unknown operation '%s'", word));
  check_keys(compiler, index, "op", &kind->constants, kind->ignores_case ? "ignore_case" : NULL);
  Error error;
  Field pair[MAX_CONSTANTS];
  size_t count;
  const Field *values = get_constants(compiler, index, &kind->constants, pair, &count);
  bool ignore_case = get_flag(compiler, index, "ignore_case");
  check(compiler,
        program_add_operation(compiler->program, kind, values, count, ignore_case, &error), &error);
}

static void add_check(const Compiler *compiler, int index) {
  const char *word = get_string(compiler, index, "check");
  const CheckKind *kind = check_find(word);
  if (!kind)
    misuse(compiler, lua_pushfstring(compiler->L, "unknown check '%s'", word));
  check_keys(compiler, index, "check", &kind->constants, NULL);
  Error error;
  Field pair[MAX_CONSTANTS];
  size_t count;
  const Field *values = get_constants(compiler, index, &kind->constants, pair, &count);
  check(compiler, program_add_check(compiler->program, kind, values, count, &error), &error);
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
  static const char *const keys[] = {"action", "value", NULL};
  check_known(compiler, failure, "on_fail", keys, false);
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
    misuse(compiler, "duplicate name");
}

static void set_labels(const Compiler *compiler, int index) {
  Error error;
  size_t count;
  if (get_table(compiler, index, "labels") == LUA_TNIL)
    return;
  const Field *labels = get_list(compiler, index, "labels", &count);
  check(compiler, program_set_labels(compiler->program, labels, count, &error), &error);
}

static void set_domain(const Compiler *compiler, int index) {
  Error error;
  if (lua_getfield(compiler->L, index, "domain") == LUA_TNIL)
    return;
  const char *name = get_string(compiler, index, "domain");
  check(compiler, program_set_domain(compiler->program, name, &error), &error);
}

// The format, or the first of a list; pushed, as is the list below it. NULL: there is none.
static const char *first_format(const Compiler *compiler, int index) {
  lua_State *L = compiler->L;
  int type = lua_getfield(L, index, "format");
  if (type == LUA_TNIL)
    return NULL;
  if (type != LUA_TTABLE)
    return get_string(compiler, index, "format");
  if (lua_geti(L, -1, 1) != LUA_TSTRING)
    misuse(compiler, "format: a text or a list of texts expected");
  return lua_tostring(L, -1);
}

static void add_further_formats(const Compiler *compiler, int index) {
  lua_State *L = compiler->L;
  Error error;
  if (lua_getfield(L, index, "format") != LUA_TTABLE)
    return;
  for (lua_Integer i = 2; lua_geti(L, -1, i) != LUA_TNIL; i++) {
    if (lua_type(L, -1) != LUA_TSTRING)
      misuse(compiler, "format: a text or a list of texts expected");
    check(compiler, program_add_format(compiler->program, lua_tostring(L, -1), &error), &error);
    lua_pop(L, 1);
  }
}

static void add_column(Compiler *compiler, int index) {
  lua_State *L = compiler->L;
  Type type;
  Error error;
  size_t len;
  static const char *const keys[] = {"name",   "type",       "format", "labels",
                                     "domain", "operations", "checks", "failure",
                                     "from",   "ask",        NULL};
  compiler->column = NULL;
  get_string(compiler, index, "name");
  compiler->column = lua_tolstring(L, -1, &len);
  check_name(compiler, compiler->column, len);
  check_known(compiler, index, "column", keys, false);
  const char *sql_type = get_string(compiler, index, "type");
  if (!type_from_name(sql_type, &type))
    misuse(compiler, lua_pushfstring(L, "not the name of a type: '%s'", sql_type));
  const char *format = first_format(compiler, index);
  Field name = {.data = compiler->column, .len = (uint32_t)len};
  check(compiler, program_add_column(compiler->program, &name, &type, format, &error), &error);
  add_further_formats(compiler, index);
  if (lua_getfield(L, index, "ask") != LUA_TNIL)
    check(compiler, program_set_ask(compiler->program, get_string(compiler, index, "ask"), &error),
          &error);
  set_labels(compiler, index);
  set_domain(compiler, index);
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

// The columns that the function gets, in a userdata that is left on the stack; NULL: the record.
static const uint32_t *get_columns(const Compiler *compiler, int index, const char *word,
                                   size_t *count) {
  lua_State *L = compiler->L;
  *count = 0;
  if (get_flag(compiler, index, "record")) {
    if (lua_rawgeti(L, compiler->functions, 0) == LUA_TNIL) {
      lua_record_push(L, compiler->program);
      lua_rawseti(L, compiler->functions, 0);
    }
    return NULL;
  }
  if (get_table(compiler, index, "columns") == LUA_TNIL)
    misuse(compiler, lua_pushfstring(L, "%s: list of columns expected", word));
  int list = lua_gettop(L);
  *count = lua_rawlen(L, list);
  uint32_t *columns = lua_newuserdatauv(L, (*count + 1) * sizeof *columns, 0);
  for (size_t i = 0; i < *count; i++) {
    lua_rawgeti(L, list, (lua_Integer)i + 1);
    columns[i] = (uint32_t)take_column(compiler, word);
  }
  return columns;
}

static void add_lua_rule(const Compiler *compiler, int index, const char *word, RowKind kind) {
  lua_State *L = compiler->L;
  Error error;
  size_t count;
  const uint32_t *columns = get_columns(compiler, index, word, &count);
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
  static const char *const keys[] = {"rule", "left",   "op",      "right", "column",
                                     "fn",   "record", "columns", "value", NULL};
  const char *word = get_string(compiler, index, "rule");
  check_known(compiler, index, word, keys, false);
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

// Whether an error in a Lua rule is to stop the load.
static bool get_stop(const Compiler *compiler) {
  static const char *const words[] = {"reject", "stop", NULL};
  if (lua_getfield(compiler->L, 1, "on_error") == LUA_TNIL)
    return false;
  const char *word = get_string(compiler, 1, "on_error");
  int at = find_word(words, word);
  if (at < 0)
    misuse(compiler,
           lua_pushfstring(compiler->L, "on_error: 'reject' or 'stop' expected, got '%s'", word));
  return at == 1;
}

int rules_compile(lua_State *L) {
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
    return luaL_error(L, "out of memory");
  compiler.program = box->program;
  static const char *const keys[] = {"name", "key", "row", "on_error", NULL};
  check_known(&compiler, 1, "table", keys, true);
  box->stop_on_error = get_stop(&compiler);
  add_columns(&compiler, 1);
  each_entry(&compiler, 1, "row", add_row);
  Error error;
  check(&compiler, program_finish(box->program, &error), &error);
  lua_settop(L, 2);
  return 1;
}
