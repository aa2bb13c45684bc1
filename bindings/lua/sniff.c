// pghost.native.sniff: detects what a CSV file is.
//
// One function, which gives a table of facts; one userdata type, which owns those facts until the
// table is made. What they mean to a user is scripts/pghost/sniff.lua.
#include <lauxlib.h>
#include <lua.h>
#include <string.h>

#include "lua/csv_options.h"
#include "lua/failure.h"
#include "lua/native.h"
#include "sniff/sniff.h"

#define SNIFF_TYPE "pghost.native.sniff"

typedef struct SniffBox {
  Sniff sniff; // all zero: closed
} SniffBox;

static SniffBox *new_box(lua_State *L) {
  SniffBox *box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = (SniffBox){0};
  luaL_setmetatable(L, SNIFF_TYPE);
  return box;
}

// Fields of the table on top of the stack

static void set_integer(lua_State *L, const char *name, uint64_t value) {
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, name);
}

static void set_number(lua_State *L, const char *name, double value) {
  lua_pushnumber(L, value);
  lua_setfield(L, -2, name);
}

static void set_boolean(lua_State *L, const char *name, bool value) {
  lua_pushboolean(L, value);
  lua_setfield(L, -2, name);
}

static void set_text(lua_State *L, const char *name, const char *value) {
  lua_pushstring(L, value);
  lua_setfield(L, -2, name);
}

static void set_character(lua_State *L, const char *name, char value) {
  lua_pushlstring(L, &value, value ? 1 : 0);
  lua_setfield(L, -2, name);
}

static void set_count(lua_State *L, const char *name, const SniffCount *count) {
  lua_createtable(L, 0, 2);
  set_integer(L, "count", count->count);
  set_integer(L, "line", count->line);
  lua_setfield(L, -2, name);
}

static void push_encoding(lua_State *L, const SampleEncoding *encoding) {
  lua_createtable(L, 0, 10);
  set_text(L, "name", encoding->name);
  set_text(L, "how", encoding->how);
  set_number(L, "confidence", encoding->confidence);
  set_boolean(L, "mark", encoding->mark > 0);
  set_integer(L, "non_ascii", encoding->non_ascii);
  set_integer(L, "invalid", encoding->invalid);
  set_text(L, "rival", encoding->rival);
  set_text(L, "language", encoding->language);
  set_number(L, "margin", encoding->margin);
  set_number(L, "strangeness", encoding->strangeness);
}

static void push_guess(lua_State *L, const SniffGuess *guess) {
  lua_createtable(L, 0, 10);
  set_text(L, "delimiter", guess->dialect.delimiter);
  set_character(L, "quote", guess->dialect.quote);
  set_character(L, "escape", guess->dialect.escape);
  set_text(L, "comment", guess->dialect.comment);
  set_boolean(L, "skip_blanks", guess->dialect.skip_blanks);
  set_boolean(L, "blanks_after_quote", guess->dialect.blanks_after_quote);
  set_number(L, "score", guess->score);
  set_number(L, "consistency", guess->consistency);
  set_number(L, "cells", guess->cells);
  set_integer(L, "columns", guess->columns);
  set_integer(L, "records", guess->records);
  set_integer(L, "quoted", guess->quoted);
  set_integer(L, "doubled", guess->doubled);
}

static const char *const above_names[] = {
    [SNIFF_ABOVE_NONE] = "none",
    [SNIFF_ABOVE_NAMES] = "names",
    [SNIFF_ABOVE_DATA] = "data",
    [SNIFF_ABOVE_COLUMN] = "column",
};

static void push_structure(lua_State *L, const SniffStructure *structure) {
  lua_createtable(L, 0, 10);
  set_integer(L, "preamble", structure->preamble);
  set_integer(L, "comments", structure->comments.lines);
  set_boolean(L, "comment_header", structure->comments.header);
  set_integer(L, "header", structure->header);
  set_number(L, "header_confidence", structure->header_confidence);
  set_integer(L, "header_words", structure->header_words);
  set_integer(L, "header_values", structure->header_values);
  set_integer(L, "header_again", structure->header_again);
  set_boolean(L, "header_distinct", structure->header_distinct);
  set_boolean(L, "header_known", structure->header_known);
  set_boolean(L, "header_unlike", structure->header_unlike);
  set_boolean(L, "aligned", structure->aligned);
  set_text(L, "above", above_names[structure->above]);
  set_integer(L, "above_fields", structure->above_fields);
  set_integer(L, "above_line", structure->above_line);
  set_character(L, "above_sign", structure->above_sign);
  set_boolean(L, "fields_line", structure->comments.fields_line);
  set_boolean(L, "ruler", structure->ruler);
  set_boolean(L, "label", structure->label);
  set_integer(L, "names_below", structure->names_below);
  set_boolean(L, "title", structure->title || structure->prose);
  set_boolean(L, "counted", structure->counted);
  set_boolean(L, "corner", structure->corner);
  set_boolean(L, "wrapped_quotes", structure->wrapped_quotes);
  set_boolean(L, "unclosed_quote", structure->unclosed_quote);
}

// `count` cells from `at` on; returns what follows them.
static const char *push_cells(lua_State *L, const char *at, size_t count) {
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    uint32_t len;
    memcpy(&len, at, sizeof len);
    len = __builtin_bswap32(len);
    lua_pushlstring(L, at + sizeof len, len);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
    at += sizeof len + len;
  }
  return at;
}

static void push_header(lua_State *L, const Sniff *sniff) {
  const char *at = sniff->header.data;
  lua_createtable(L, (int)sniff->header_records, 0);
  for (size_t row = 0; row < sniff->header_records; row++) {
    at = push_cells(L, at, sniff->columns.count);
    lua_rawseti(L, -2, (lua_Integer)row + 1);
  }
}

static const char *const passed_names[] = {[SNIFF_PASSED_ABOVE] = "above",
                                           [SNIFF_PASSED_COMMENT] = "comment",
                                           [SNIFF_PASSED_BELOW] = "below"};

static void push_passed(lua_State *L, const Sniff *sniff) {
  lua_createtable(L, (int)sniff->passed_count, 0);
  for (size_t i = 0; i < sniff->passed_count; i++) {
    const SniffPassed *passed = &sniff->passed[i];
    lua_createtable(L, 0, 4);
    set_integer(L, "line", passed->line);
    set_text(L, "what", passed_names[passed->what]);
    set_boolean(L, "cut", passed->cut);
    lua_pushlstring(L, passed->text, passed->len);
    lua_setfield(L, -2, "text");
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

// Columns

static void push_example(lua_State *L, const SniffExample *example) {
  lua_createtable(L, 0, 3);
  lua_pushlstring(L, example->text, example->len);
  lua_setfield(L, -2, "text");
  set_boolean(L, "cut", example->cut);
  set_integer(L, "line", example->line);
}

static const char *const kind_names[SNIFF_FORMAT] = {
    [SNIFF_BOOLEAN] = "boolean",     [SNIFF_BIGINT] = "bigint",
    [SNIFF_NUMERIC] = "numeric",     [SNIFF_DOUBLE] = "double precision",
    [SNIFF_NUMERIC_COMMA] = "comma", [SNIFF_NUMERIC_GROUPED] = "grouped",
    [SNIFF_DATE] = "date",           [SNIFF_TIME] = "time",
    [SNIFF_TIMESTAMP] = "timestamp", [SNIFF_TIMESTAMPTZ] = "timestamptz",
    [SNIFF_UUID] = "uuid",           [SNIFF_JSON] = "jsonb",
};

static void push_kind(lua_State *L, const SniffColumn *column, size_t kind) {
  lua_createtable(L, 0, 4);
  if (kind >= SNIFF_FORMAT) {
    size_t i = kind - SNIFF_FORMAT;
    set_text(L, "type", column->types[i].kind == &type_date ? "date" : "timestamp");
    set_text(L, "format", column->formats[i]);
  } else {
    set_text(L, "type", kind_names[kind]);
  }
  set_integer(L, "fails", column->fails[kind]);
  if (column->fails[kind] > 0) {
    push_example(L, &column->failed[kind]);
    lua_setfield(L, -2, "failed");
  }
}

static void push_kinds(lua_State *L, const SniffColumn *column) {
  lua_newtable(L);
  for (size_t kind = 0; kind < SNIFF_KINDS; kind++) {
    if (!(column->alive >> kind & 1) || column->values == 0)
      continue;
    push_kind(L, column, kind);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  }
}

static void push_null_words(lua_State *L, const SniffColumn *column) {
  lua_newtable(L);
  for (size_t i = 0; i < SNIFF_NULL_WORDS; i++)
    if (column->null_words[i] > 0)
      set_integer(L, sniff_null_words[i], column->null_words[i]);
}

static void push_examples(lua_State *L, const SniffColumn *column) {
  lua_createtable(L, (int)column->example_count, 0);
  for (size_t i = 0; i < column->example_count; i++) {
    push_example(L, &column->examples[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

static void push_losses(lua_State *L, const SniffLosses *losses) {
  lua_createtable(L, 0, 10);
  set_integer(L, "leading_zeros", losses->leading_zeros);
  set_integer(L, "plus_signs", losses->plus_signs);
  set_integer(L, "minus_zeros", losses->minus_zeros);
  set_integer(L, "long_numbers", losses->long_numbers);
  set_integer(L, "exponents", losses->exponents);
  set_integer(L, "bare_exponents", losses->bare_exponents);
  set_integer(L, "both_signs", losses->both_signs);
  set_integer(L, "rounded", losses->rounded);
  set_integer(L, "zoned", losses->zoned);
  set_integer(L, "respelled", losses->respelled);
}

static void push_column(lua_State *L, const SniffColumn *column) {
  bool seen = column->min_length != SIZE_MAX;
  lua_createtable(L, 0, 10);
  set_integer(L, "values", column->values);
  set_integer(L, "empty", column->empty);
  set_integer(L, "quoted_empty", column->quoted_empty);
  set_integer(L, "blank", column->blank);
  set_integer(L, "padded", column->padded);
  push_losses(L, &column->losses);
  lua_setfield(L, -2, "losses");
  set_integer(L, "min_length", seen ? column->min_length : 0);
  set_integer(L, "max_length", column->max_length);
  push_null_words(L, column);
  lua_setfield(L, -2, "null_words");
  push_kinds(L, column);
  lua_setfield(L, -2, "kinds");
  push_examples(L, column);
  lua_setfield(L, -2, "examples");
}

// All

static void push_lists(lua_State *L, const Sniff *sniff) {
  lua_createtable(L, (int)sniff->guesses.count, 0);
  for (size_t i = 0; i < sniff->guesses.count; i++) {
    push_guess(L, &sniff->guesses.list[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "guesses");
  lua_createtable(L, (int)sniff->columns.count, 0);
  for (size_t i = 0; i < sniff->columns.count; i++) {
    push_column(L, &sniff->columns.list[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "columns");
  push_header(L, sniff);
  lua_setfield(L, -2, "header");
  push_cells(L, sniff->first.data, sniff->first_cells);
  lua_setfield(L, -2, "first");
  push_passed(L, sniff);
  lua_setfield(L, -2, "passed");
}

static void push_counts(lua_State *L, const Sniff *sniff) {
  set_count(L, "few", &sniff->few);
  set_count(L, "many", &sniff->many);
  set_count(L, "broken", &sniff->broken);
  set_count(L, "unterminated", &sniff->unterminated);
  set_count(L, "lone_cr", &sniff->lone_cr);
  set_count(L, "blank", &sniff->blank);
  set_count(L, "fitting", &sniff->fitting);
  set_count(L, "second", &sniff->second);
}

static void push_facts(lua_State *L, const Sniff *sniff) {
  lua_createtable(L, 0, 24);
  set_character(L, "spare", sniff->spare);
  set_integer(L, "bytes", sniff->bytes);
  set_boolean(L, "whole", sniff->whole);
  set_integer(L, "records", sniff->records);
  set_integer(L, "lf", sniff->ends[SNIFF_END_LF]);
  set_integer(L, "crlf", sniff->ends[SNIFF_END_CRLF]);
  set_integer(L, "cr", sniff->ends[SNIFF_END_CR]);
  set_integer(L, "crcrlf", sniff->ends[SNIFF_END_CRCRLF]);
  set_integer(L, "footer", sniff->footer);
  set_boolean(L, "footer_is_total", sniff->footer_is_total);
  set_integer(L, "invalid", sniff->invalid);
  set_integer(L, "invalid_offset", sniff->invalid_offset);
  set_integer(L, "zeros", sniff->zeros);
  set_integer(L, "second_fields", sniff->second_fields);
  set_integer(L, "restart", sniff->restart);
  set_integer(L, "passed_lines", sniff->passed_lines);
  push_counts(L, sniff);
  push_encoding(L, &sniff->encoding);
  lua_setfield(L, -2, "encoding");
  push_structure(L, &sniff->structure);
  lua_setfield(L, -2, "structure");
  push_lists(L, sniff);
}

static bool has_flag(lua_State *L, int index, const char *name) {
  if (lua_isnoneornil(L, index))
    return false;
  lua_getfield(L, index, name);
  bool set = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return set;
}

// A text of at most `most` bytes, which the table on top of the stack keeps; NULL: there is none.
static const char *text_fact(lua_State *L, const char *name, size_t most) {
  lua_getfield(L, -1, name);
  const char *text = lua_tostring(L, -1);
  if (text && strlen(text) > most)
    luaL_error(L, "%s: at most %d bytes expected", name, (int)most);
  lua_pop(L, 1);
  return text;
}

static bool count_fact(lua_State *L, const char *name, size_t *out) {
  lua_getfield(L, -1, name);
  lua_Integer count = lua_tointeger(L, -1);
  bool there = !lua_isnil(L, -1);
  if (there && count < 0)
    luaL_error(L, "%s: a number from 0 expected", name);
  lua_pop(L, 1);
  *out = there ? (size_t)count : 0;
  return there;
}

// What the table at `index` says of the dialect beside delimiter and quote.
static void take_facts(lua_State *L, int index, SniffGiven *given) {
  if (lua_isnoneornil(L, index))
    return;
  lua_pushvalue(L, index);
  given->escape = text_fact(L, "escape", 1);
  given->comment = text_fact(L, "comment", SNIFF_COMMENT_SIZE);
  count_fact(L, "skip", &given->skip);
  given->has_header = count_fact(L, "header", &given->header);
  given->has_footer = count_fact(L, "footer", &given->footer);
  lua_getfield(L, -1, "skip_blanks");
  given->has_skip_blanks = !lua_isnil(L, -1);
  given->skip_blanks = lua_toboolean(L, -1);
  lua_pop(L, 2);
}

// The arguments from `index` on, delimiter, quote and a table of flags from `given` on.
static SniffOptions check_options(lua_State *L, int index, int given) {
  lua_Integer sample = luaL_optinteger(L, index, 0);
  const char *delimiter = luaL_optstring(L, given, NULL);
  const char *quote = luaL_optstring(L, given + 1, NULL);
  luaL_argcheck(L, sample >= 0, index, "bytes from 0 expected");
  luaL_argcheck(L, !delimiter || (*delimiter && strlen(delimiter) <= SNIFF_DELIMITER_SIZE), given,
                "1 to 8 bytes expected");
  luaL_argcheck(L, !quote || strlen(quote) <= 1, given + 1, "one character expected");
  luaL_argexpected(L, lua_isnoneornil(L, given + 2) || lua_istable(L, given + 2), given + 2,
                   "table");
  SniffOptions options = {
      .sample = (uint64_t)sample,
      .encoding = luaL_optstring(L, index + 1, NULL),
      .given = {.delimiter = delimiter,
                .quote = quote,
                .blanks_after_quote = has_flag(L, given + 2, "blanks_after_quote"),
                .trailing_delimiter = has_flag(L, given + 2, "trailing_delimiter"),
                .text_format = has_flag(L, given + 2, "text_format")}};
  take_facts(L, given + 2, &options.given);
  return options;
}

static int finish(lua_State *L, Input *input, const SniffOptions *options, SniffBox *box,
                  Error *error) {
  if (input && sniff_input(input, options, &box->sniff, error)) {
    push_facts(L, &box->sniff);
    sniff_free(&box->sniff);
    return 1;
  }
  sniff_free(&box->sniff);
  return push_failure(L, error);
}

// sniff.file(path, sample?, encoding?, member?, delimiter?, quote?, flags?, version?) -> facts |
// nil, message, code
static int sniff_file(lua_State *L) {
  InputName name = csv_check_name(L, 1, 0);
  SniffOptions options = check_options(L, 2, 5);
  name.member = luaL_optstring(L, 4, NULL);
  name.version = luaL_optstring(L, 8, NULL);
  SniffBox *box = new_box(L);
  Error error;
  return finish(L, input_open(&name, &error), &options, box, &error);
}

// sniff.string(text, sample?, encoding?, delimiter?, quote?, flags?) -> facts | nil, message, code
static int sniff_string(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  SniffOptions options = check_options(L, 2, 4);
  SniffBox *box = new_box(L);
  Error error;
  Input *input = input_open_bytes(text, len);
  if (!input)
    error_set(&error, "ENOMEM", "could not sniff: out of memory");
  return finish(L, input, &options, box, &error);
}

static int box_gc(lua_State *L) {
  SniffBox *box = luaL_checkudata(L, 1, SNIFF_TYPE);
  sniff_free(&box->sniff);
  return 0;
}

static const luaL_Reg functions[] = {
    {"file", sniff_file},
    {"string", sniff_string},
    {NULL, NULL},
};

int luaopen_pghost_native_sniff(lua_State *L) {
  if (luaL_newmetatable(L, SNIFF_TYPE)) {
    lua_pushcfunction(L, box_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
