// The counts of a load, as tables for Lua. Their fields are described in docs/meta/load.lua.
#include "lua/load_counts.h"

static void set_count(lua_State *L, const char *name, uint64_t value) {
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, name);
}

// Only what was repaired: { padded = 3, quotes = 1 }.
static void push_repairs(lua_State *L, const Counts *counts) {
  lua_newtable(L);
  for (int kind = 0; kind < REPAIR_KINDS; kind++)
    if (counts->repairs[kind] > 0)
      set_count(L, repair_name((Repair)kind), counts->repairs[kind]);
}

// Only kinds that there are: { records = 10, header = 1 }, with the first comment and its line.
static void push_lines(lua_State *L, const Lines *lines) {
  lua_newtable(L);
  for (int kind = 0; kind < LINE_KINDS; kind++)
    if (lines->count[kind] > 0)
      set_count(L, line_kind_name((LineKind)kind), lines->count[kind]);
  if (lines->comment == 0)
    return;
  set_count(L, "comment_line", lines->comment);
  lua_pushlstring(L, lines->comment_text, lines->comment_length);
  lua_setfield(L, -2, "comment");
}

void load_push_counts(lua_State *L, const Counts *counts) {
  lua_createtable(L, 0, 9);
  push_repairs(L, counts);
  lua_setfield(L, -2, "repairs");
  push_lines(L, &counts->lines);
  lua_setfield(L, -2, "lines");
  set_count(L, "records", counts->records);
  set_count(L, "loaded", counts->loaded);
  set_count(L, "rejected", counts->rejected);
  set_count(L, "unreadable", counts->unreadable);
  set_count(L, "filtered", counts->filtered);
  set_count(L, "raw", counts->records - counts->unreadable);
  set_count(L, "bytes", counts->bytes);
}

void load_push_file_counts(lua_State *L, const Counts *counts, const Source *source) {
  load_push_counts(L, counts);
  SourceTotals totals = source_totals(source);
  if (totals.sha256[0]) {
    lua_pushstring(L, totals.sha256);
    lua_setfield(L, -2, "sha256");
  }
  set_count(L, "source_bytes", totals.bytes);
  lua_getfield(L, -1, "lines");
  set_count(L, "all", source_lines(source));
  lua_pop(L, 1);
  set_count(L, "input_bytes", totals.input_bytes);
}

void load_set_rows(lua_State *L, const uint64_t rows[STREAM_KINDS]) {
  set_count(L, "raw_rows", rows[STREAM_RAW]);
  set_count(L, "clean_rows", rows[STREAM_CLEAN]);
  set_count(L, "reject_rows", rows[STREAM_REJECTS]);
}

static void push_sample(lua_State *L, const CellSample *sample) {
  lua_createtable(L, 0, 2);
  if (!sample->before_null) {
    lua_pushstring(L, sample->before);
    lua_setfield(L, -2, "before");
  }
  if (!sample->after_null) {
    lua_pushstring(L, sample->after);
    lua_setfield(L, -2, "after");
  }
}

void load_push_rule_count(lua_State *L, const RuleCount *count) {
  lua_createtable(L, 0, 4);
  lua_pushstring(L, count->column);
  lua_setfield(L, -2, "column");
  lua_pushstring(L, count->rule);
  lua_setfield(L, -2, "rule");
  set_count(L, "count", count->count);
  lua_createtable(L, (int)count->sample_count, 0);
  for (size_t i = 0; i < count->sample_count; i++) {
    push_sample(L, &count->samples[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "samples");
}
