// Rules written in Lua: calls their functions over the record in a scratch.
//
// Everything that can raise happens under one protected call a record. Not for compiling rules:
// that is
// rules_compile.c.
#include "lua/rules_functions.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lua/boxes.h"
#include "lua/rules_convert.h"
#include "lua/rules_record.h"
#include "rules/row_rules.h"

enum { STACK_NEEDED = 10 };

typedef struct Run {
  const Program *program;
  Scratch *scratch;
  const RowRule *rule; // the one at work
  Verdict verdict;
} Run;

// The column a reject is filed under: the one a rule sets, or the only one it looks at.
static int rule_column(const RowRule *rule) {
  if (rule->kind == ROW_LUA_SET)
    return (int)rule->target;
  return rule->column_count == 1 ? (int)rule->columns[0] : -1;
}

static Verdict reject_check(lua_State *L, const Run *run, int function) {
  Line line = scratch_reject_line(run->scratch, rule_column(run->rule), "check");
  if (!lua_isnil(L, -1)) {
    size_t len;
    const char *reason = luaL_tolstring(L, -1, &len);
    line_put_escaped(&line, reason, len, len);
    return VERDICT_REJECT;
  }
  lua_Debug where;
  lua_pushvalue(L, function);
  lua_getinfo(L, ">S", &where);
  line_put(&line, "check at %s:%d failed", where.short_src, where.linedefined);
  for (uint32_t i = 0; i < run->rule->column_count; i++) {
    const Field *text = scratch_text(run->scratch, run->rule->columns[i]);
    line_put(&line, "%s%s ", i == 0 ? ": " : ", ",
             program_column_name(run->program, run->rule->columns[i]));
    if (text->null)
      line_put(&line, "null");
    else
      line_put_quoted(&line, text->data, text->len);
  }
  return VERDICT_REJECT;
}

static Verdict reject_value(lua_State *L, const Run *run, const char *what) {
  Line line = scratch_reject_line(run->scratch, (int)run->rule->target, "lua");
  line_put(&line, "set returned %s", what);
  if (lua_type(L, -1) == LUA_TSTRING) {
    size_t len;
    const char *text = lua_tolstring(L, -1, &len);
    line_put(&line, " ");
    line_put_quoted(&line, text, len);
  }
  return VERDICT_REJECT;
}

// The function's result is on top.
static Verdict store_result(lua_State *L, const Run *run) {
  char number[RULES_NUMBER_SIZE];
  Field text;
  if (!rules_to_field(L, -1, number, &text)) {
    char what[80];
    snprintf(what, sizeof what, "a %s, expected a string, number, boolean or nil",
             luaL_typename(L, -1));
    return reject_value(L, run, what);
  }
  if (!text.null && !text_storable(text.data, text.len))
    return reject_value(L, run, "text that is not valid UTF-8 or holds a NUL");
  return scratch_set(run->program, run->scratch, run->rule, &text);
}

// Stack: functions. Calls the rule's function; leaves the stack as it was.
static Verdict call_rule(lua_State *L, const Run *run) {
  const RowRule *rule = run->rule;
  int results = rule->kind == ROW_LUA_CHECK ? 2 : 1;
  luaL_checkstack(L, (int)rule->column_count + STACK_NEEDED, "too many columns");
  lua_rawgeti(L, 1, rule->function);
  int function = lua_gettop(L);
  lua_pushvalue(L, function);
  for (uint32_t i = 0; i < rule->column_count; i++)
    rules_push_value(L, run->program, run->scratch, rule->columns[i]);
  if (rule->whole_record)
    lua_rawgeti(L, 1, 0);
  lua_call(L, (int)rule->column_count + rule->whole_record, results);

  Verdict verdict = VERDICT_PASS; // functions, function, result[, reason]
  if (rule->kind == ROW_LUA_SET)
    verdict = store_result(L, run);
  else if (rule->kind == ROW_LUA_FILTER)
    verdict = lua_toboolean(L, -1) ? VERDICT_FILTER : VERDICT_PASS;
  else if (!lua_toboolean(L, -2))
    verdict = reject_check(L, run, function);
  lua_settop(L, function - 1);
  return verdict;
}

// The protected part. Arguments: functions, run (light).
static int run_rows(lua_State *L) {
  Run *run = lua_touserdata(L, 2);
  size_t count = program_row_count(run->program);
  for (size_t i = program_first_lua_row(run->program); i < count; i++) {
    run->rule = program_row(run->program, i);
    if (run->rule->kind >= ROW_LUA_CHECK)
      run->verdict = call_rule(L, run);
    else
      run->verdict = program_run_row(run->program, run->scratch, i);
    if (run->verdict != VERDICT_PASS)
      break;
  }
  return 0;
}

// Turns error objects into text while that is still protected.
static int error_text(lua_State *L) {
  if (lua_type(L, 1) != LUA_TSTRING)
    luaL_tolstring(L, 1, NULL);
  return 1;
}

// The error is on top. An interrupt's error ends here too: the load looks at the flag itself.
static Verdict reject_error(lua_State *L, const Run *run) {
  Line line = scratch_reject_line(run->scratch, run->rule ? rule_column(run->rule) : -1, "lua");
  if (lua_type(L, -1) == LUA_TSTRING) {
    size_t len;
    const char *message = lua_tolstring(L, -1, &len);
    line_put_escaped(&line, message, len, len);
  } else {
    line_put(&line, "error in a lua rule");
  }
  return VERDICT_REJECT;
}

bool lua_rules_present(lua_State *L, int index) {
  const ProgramBox *box = lua_touserdata(L, index);
  return program_first_lua_row(box->program) < program_row_count(box->program);
}

// Stack above `top`: error_text, functions. Leaves what it likes on it.
static void run_protected(lua_State *L, int top, Run *run) {
  lua_rawgeti(L, top + 2, 0);
  RecordBox *record = lua_touserdata(L, -1); // NULL: no rule is over whole records
  lua_pop(L, 1);
  const Scratch *outer = record ? record->scratch : NULL; // a rule may try its own rules
  if (record)
    record->scratch = run->scratch;
  lua_pushcfunction(L, run_rows);
  lua_pushvalue(L, top + 2);
  lua_pushlightuserdata(L, run);
  if (lua_pcall(L, 2, 0, top + 1) != LUA_OK)
    run->verdict = reject_error(L, run);
  if (record)
    record->scratch = outer;
}

Verdict lua_rules_run(lua_State *L, int index, Scratch *scratch) {
  const ProgramBox *box = lua_touserdata(L, index);
  Run run = {.program = box->program, .scratch = scratch, .verdict = VERDICT_PASS};
  index = lua_absindex(L, index);
  if (!lua_checkstack(L, STACK_NEEDED)) {
    Line line = scratch_reject_line(scratch, -1, "memory");
    line_put(&line, "out of memory for this record");
    return VERDICT_REJECT;
  }
  int top = lua_gettop(L);
  lua_pushcfunction(L, error_text);
  lua_getiuservalue(L, index, 1);
  run_protected(L, top, &run);
  lua_settop(L, top);
  if (run.verdict == VERDICT_PASS)
    scratch_commit(scratch);
  bool failed = run.verdict == VERDICT_REJECT && strcmp(scratch_reject(scratch)->rule, "lua") == 0;
  return failed && box->stop_on_error ? VERDICT_STOP : run.verdict;
}
