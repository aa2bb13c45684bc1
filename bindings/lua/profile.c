// pghost.native.profile: what loads have found in the columns of a program's records.
//
// One userdata, the profile. Loads that are opened with it add to it when they are finished; what
// is kept, shown and compared is Lua's business (scripts/pghost/profile/).
#include <lauxlib.h>
#include <math.h>

#include "lua/boxes.h"
#include "lua/native.h"
#include "profile/portable.h"
#include "profile/summary.h"

enum { PROGRAM = 1 }; // user value

static Profile *check_profile(lua_State *L) {
  ProfileBox *box = luaL_checkudata(L, 1, PROFILE_TYPE);
  return box->profile;
}

// profile.new(program) -> profile
static int profile_new_box(lua_State *L) {
  ProgramBox *program = luaL_checkudata(L, 1, PROGRAM_TYPE);
  luaL_argcheck(L, program->program, 1, "program is closed");
  ProfileBox *box = lua_newuserdatauv(L, sizeof *box, 1);
  *box = (ProfileBox){0};
  luaL_setmetatable(L, PROFILE_TYPE);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, PROGRAM);
  box->profile = profile_new(program->program);
  if (!box->profile)
    return luaL_error(L, "out of memory");
  return 1;
}

static int profile_gc(lua_State *L) {
  ProfileBox *box = luaL_checkudata(L, 1, PROFILE_TYPE);
  profile_free(box->profile);
  box->profile = NULL;
  return 0;
}

static void set_integer(lua_State *L, const char *name, uint64_t value) {
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, name);
}

// Numbers that there are: JSON and SQL know no others.
static void set_number(lua_State *L, const char *name, double value) {
  if (!isfinite(value))
    return;
  lua_pushnumber(L, value);
  lua_setfield(L, -2, name);
}

static void set_flag(lua_State *L, const char *name, bool value) {
  lua_pushboolean(L, value);
  lua_setfield(L, -2, name);
}

// A summary, and a buffer for texts; the box that frees them when something raises.
typedef struct SummaryBox {
  Summary summary;
  Buffer text;
} SummaryBox;

#define SUMMARY_TYPE "pghost.native.profile.summary"

static void free_summary(SummaryBox *box) {
  summary_free(&box->summary);
  buffer_free(&box->text);
}

static int summary_gc(lua_State *L) {
  free_summary(luaL_checkudata(L, 1, SUMMARY_TYPE));
  return 0;
}

static void push_text(lua_State *L, SummaryBox *box) {
  lua_pushlstring(L, box->text.data ? box->text.data : "", box->text.len);
  buffer_clear(&box->text);
}

static void push_point(lua_State *L, SummaryBox *box, const Point *point) {
  summary_point_text(&box->summary, point, &box->text);
  push_text(L, box);
}

static void set_quantiles(lua_State *L, SummaryBox *box) {
  if (!box->summary.has_quantiles)
    return;
  lua_createtable(L, QUANTILES, 0);
  for (int i = 0; i < QUANTILES; i++) {
    lua_createtable(L, 0, 2);
    set_number(L, "share", summary_quantiles[i]);
    push_point(L, box, &box->summary.points[box->summary.quantile[i]]);
    lua_setfield(L, -2, "value");
    set_number(L, "number", box->summary.points[box->summary.quantile[i]].real);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "quantiles");
}

static void set_histogram(lua_State *L, const Summary *summary) {
  if (!summary->has_histogram)
    return;
  lua_createtable(L, HISTOGRAM_BARS, 0);
  for (int i = 0; i < HISTOGRAM_BARS; i++) {
    lua_pushinteger(L, (lua_Integer)summary->bars[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "histogram");
}

// The most frequent values, at most `limit`.
static void set_values(lua_State *L, SummaryBox *box, size_t limit) {
  if (!box->summary.exact && limit > SAMPLED_VALUES)
    limit = SAMPLED_VALUES;
  size_t count = summary_most_frequent(&box->summary, limit);
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    const Point *point = &box->summary.points[i];
    lua_createtable(L, 0, 3);
    push_point(L, box, point);
    lua_setfield(L, -2, "value");
    set_integer(L, "count", point->count);
    if (point->cut)
      set_flag(L, "cut", true);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "values");
}

static void set_extremes(lua_State *L, SummaryBox *box) {
  const ColumnProfile *column = box->summary.column;
  const Totals *totals = &box->summary.totals;
  if (summary_least(&box->summary, &box->text)) {
    push_text(L, box);
    lua_setfield(L, -2, "min");
  }
  if (summary_greatest(&box->summary, &box->text)) {
    push_text(L, box);
    lua_setfield(L, -2, "max");
  }
  if (column->form != PROFILE_TEXT || box->summary.values == 0)
    return;
  lua_createtable(L, 0, 3);
  set_integer(L, "min", totals->length_min);
  set_integer(L, "max", totals->length_max);
  set_number(L, "mean", (double)totals->length_sum / (double)box->summary.values);
  lua_setfield(L, -2, "length");
}

static void set_mean(lua_State *L, const Summary *summary) {
  if (summary->not_finite > 0)
    set_integer(L, "not_finite", summary->not_finite);
  if (!summary->has_mean)
    return;
  set_number(L, "mean", summary->mean);
  set_number(L, "stddev", summary->deviation);
}

static void push_column(lua_State *L, const Profile *profile, size_t i, size_t limit) {
  char type[TYPE_NAME_SIZE];
  SummaryBox *box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = (SummaryBox){0};
  luaL_setmetatable(L, SUMMARY_TYPE);
  lua_createtable(L, 0, 16);
  lua_pushstring(L, program_column_name(profile->program, i));
  lua_setfield(L, -2, "name");
  type_name(&profile->columns[i].type, type, sizeof type);
  lua_pushstring(L, type);
  lua_setfield(L, -2, "type");
  if (!summary_make(profile, i, &box->summary))
    luaL_error(L, "out of memory");
  const Summary *summary = &box->summary;
  set_integer(L, "count", summary->values + summary->nulls);
  set_integer(L, "nulls", summary->nulls);
  set_integer(L, "distinct", summary->distinct);
  set_flag(L, "distinct_exact", summary->distinct_exact);
  set_flag(L, "exact", summary->exact);
  set_integer(L, "looked_at", summary->looked_at);
  set_flag(L, "is_number", summary->column->type.kind->is_number);
  set_extremes(L, box);
  set_mean(L, summary);
  set_quantiles(L, box);
  set_histogram(L, summary);
  set_values(L, box, limit);
  free_summary(box);
}

// profile:columns(limit?) -> list of columns, each with at most `limit` values, and SAMPLED_VALUES
// of a sample
static int profile_columns(lua_State *L) {
  const Profile *profile = check_profile(L);
  lua_Integer limit = luaL_optinteger(L, 2, DIFFERENT_VALUES);
  luaL_argcheck(L, limit >= 0, 2, "a number from 0 on expected");
  lua_createtable(L, (int)profile->column_count, 0);
  for (size_t i = 0; i < profile->column_count; i++) {
    push_column(L, profile, i, (size_t)limit);
    lua_rawseti(L, -3, (lua_Integer)i + 1);
    lua_pop(L, 1); // the summary
  }
  return 1;
}

// profile:add(other): what the other one, which is of the same program, has in it
static int profile_add_other(lua_State *L) {
  Profile *profile = check_profile(L);
  ProfileBox *other = luaL_checkudata(L, 2, PROFILE_TYPE);
  luaL_argcheck(L, other->profile->program == profile->program, 2, "of another program");
  luaL_argcheck(L, other->profile != profile, 2, "another profile expected");
  profile_merge(profile, other->profile);
  return 0;
}

// profile:state() -> bytes that hold all of it | nil where there was no memory for it
static int profile_state(lua_State *L) {
  const Profile *profile = check_profile(L);
  SummaryBox *box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = (SummaryBox){0};
  luaL_setmetatable(L, SUMMARY_TYPE);
  if (profile_state_write(profile, &box->text))
    lua_pushlstring(L, box->text.data, box->text.len);
  else
    lua_pushnil(L);
  free_summary(box);
  return 1;
}

// profile:add_state(bytes) -> true | nil, message: what a profile of the same columns had in it
static int profile_add_state(lua_State *L) {
  size_t len;
  Profile *profile = check_profile(L);
  const char *bytes = luaL_checklstring(L, 2, &len);
  switch (profile_state_add(profile, bytes, len)) {
  case PROFILE_STATE_GOOD:
    lua_pushboolean(L, true);
    return 1;
  case PROFILE_STATE_OTHER:
    return luaL_pushfail(L), lua_pushliteral(L, "of another version or of other columns"), 2;
  case PROFILE_STATE_DAMAGED:
    return luaL_pushfail(L), lua_pushliteral(L, "damaged"), 2;
  case PROFILE_STATE_NO_MEMORY:
    break;
  }
  return luaL_error(L, "out of memory");
}

// profile:counts() -> { rows =, left_out =, sample = } | nil where there was no memory
static int profile_counts(lua_State *L) {
  const Profile *profile = check_profile(L);
  if (profile->failed)
    return 0;
  lua_createtable(L, 0, 3);
  set_integer(L, "rows", profile->rows);
  set_integer(L, "left_out", profile->left_out);
  set_integer(L, "sample", profile->sample.count);
  return 1;
}

static const luaL_Reg methods[] = {
    {"add", profile_add_other}, {"add_state", profile_add_state}, {"columns", profile_columns},
    {"counts", profile_counts}, {"state", profile_state},         {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"new", profile_new_box},
    {NULL, NULL},
};

int luaopen_pghost_native_profile(lua_State *L) {
  if (luaL_newmetatable(L, SUMMARY_TYPE)) {
    lua_pushcfunction(L, summary_gc);
    lua_setfield(L, -2, "__gc");
  }
  if (luaL_newmetatable(L, PROFILE_TYPE)) {
    lua_pushcfunction(L, profile_gc);
    lua_setfield(L, -2, "__gc");
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
  }
  lua_pop(L, 2);
  luaL_newlib(L, functions);
  return 1;
}
