// See csv_options.h. One table says which options there are and who takes their values.
#include "lua/csv_options.h"

#include <lauxlib.h>
#include <string.h>

enum {
  MAX_MAX_RECORD = 512 * 1024 * 1024,
  MAX_SKIP = 1000 * 1000,
  MAX_LINES = 1000 * 1000 * 1000,
};

// An option whose value is on top of the stack.
typedef struct Option {
  lua_State *L;
  int index; // of the table, for messages
  const char *name;
} Option;

static int refuse(const Option *option, const char *expected) {
  return luaL_argerror(option->L, option->index,
                       lua_pushfstring(option->L, "option '%s': %s expected, got '%s'",
                                       option->name, expected,
                                       luaL_tolstring(option->L, -1, NULL)));
}

static bool take_flag(const Option *option) {
  if (!lua_isboolean(option->L, -1))
    refuse(option, "a boolean");
  return lua_toboolean(option->L, -1);
}

static size_t take_size(const Option *option, lua_Integer least, lua_Integer most,
                        const char *expected) {
  lua_State *L = option->L;
  lua_Integer size = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : -1;
  if (size < least || size > most)
    refuse(option, expected);
  return (size_t)size;
}

static const char *take_text(const Option *option, size_t *len, const char *expected) {
  if (lua_type(option->L, -1) != LUA_TSTRING)
    refuse(option, expected);
  return lua_tolstring(option->L, -1, len);
}

// The position of the text in `choices`, which ends with NULL.
static int take_choice(const Option *option, const char *const *choices, const char *expected) {
  const char *text = take_text(option, NULL, expected);
  for (int i = 0; choices[i]; i++)
    if (strcmp(choices[i], text) == 0)
      return i;
  return refuse(option, expected);
}

static bool ends_line(const char *text, size_t len) {
  return memchr(text, '\n', len) || memchr(text, '\r', len) || memchr(text, 0, len);
}

static char take_byte(const Option *option, const char *expected) {
  size_t len;
  const char *text = take_text(option, &len, expected);
  if (len != 1 || ends_line(text, len) || (unsigned char)*text >= 0x80)
    refuse(option, expected);
  return *text;
}

// How fields are told apart

static void take_delimiter(const Option *option, Dialect *dialect) {
  static const char expected[] = "1 to 8 bytes without line ends";
  size_t len;
  const char *text = take_text(option, &len, expected);
  if (len < 1 || len > MAX_DELIMITER || ends_line(text, len) ||
      (len == 1 && (unsigned char)*text >= 0x80))
    refuse(option, expected);
  dialect->delimiter = *text;
  dialect->delimiter_length = len;
  memcpy(dialect->longer_delimiter, text, len);
}

static void take_quote(const Option *option, Dialect *dialect) {
  size_t len;
  static const char expected[] = "one ASCII character that ends no line, or '' for none";
  take_text(option, &len, expected);
  dialect->unquoted = len == 0;
  if (len > 0)
    dialect->quote = take_byte(option, expected);
}

static void take_escape(const Option *option, Dialect *dialect) {
  dialect->escape = take_byte(option, "one ASCII character that ends no line");
}

static void take_comment(const Option *option, Dialect *dialect) {
  static const char expected[] = "1 to 16 bytes without line ends";
  size_t len;
  const char *text = take_text(option, &len, expected);
  if (len < 1 || len > MAX_COMMENT || ends_line(text, len))
    refuse(option, expected);
  memcpy(dialect->comment, text, len);
  dialect->comment_length = len;
}

static void take_skip_blanks(const Option *option, Dialect *dialect) {
  dialect->skip_blanks = take_flag(option);
}

// Lines

static void take_line_end(const Option *option, Dialect *dialect) {
  static const char *const choices[] = {"lf", "cr", NULL};
  dialect->line_end = (LineEnd)take_choice(option, choices, "'lf' or 'cr'");
}

static void take_blank_lines(const Option *option, Dialect *dialect) {
  static const char *const choices[] = {"skip", "keep", NULL};
  dialect->keep_blank_lines = take_choice(option, choices, "'skip' or 'keep'");
}

static void take_skip(const Option *option, Dialect *dialect) {
  dialect->skip = (uint32_t)take_size(option, 0, MAX_SKIP, "lines from 0 to 1000000");
}

static void take_footer(const Option *option, Dialect *dialect) {
  dialect->footer = (uint32_t)take_size(option, 0, MAX_FOOTER, "lines from 0 to 1000");
}

// The header

static void take_header(const Option *option, Dialect *dialect) {
  static const char expected[] = "a boolean or lines from 0 to 16";
  if (lua_isboolean(option->L, -1))
    dialect->header_lines = (uint32_t)lua_toboolean(option->L, -1);
  else
    dialect->header_lines = (uint32_t)take_size(option, 0, MAX_HEADER_LINES, expected);
  dialect->headerless = dialect->header_lines == 0;
}

static void take_any_header(const Option *option, Dialect *dialect) {
  dialect->any_header = take_flag(option);
}

static void take_header_names(const Option *option, Dialect *dialect) {
  static const char *const choices[] = {"strict", "repair", NULL};
  dialect->repair_names = take_choice(option, choices, "'strict' or 'repair'");
}

static void take_repeated_header(const Option *option, Dialect *dialect) {
  static const char *const choices[] = {"reject", "skip", "load", NULL};
  dialect->repeated_header =
      (HeaderPolicy)take_choice(option, choices, "'reject', 'skip' or 'load'");
}

// What is broken

static void take_too_few(const Option *option, Dialect *dialect) {
  static const char *const choices[] = {"reject", "pad", "stop", NULL};
  dialect->too_few = (FewPolicy)take_choice(option, choices, "'reject', 'pad' or 'stop'");
}

static void take_too_many(const Option *option, Dialect *dialect) {
  static const char *const choices[] = {"reject", "cut", "extra", "stop", NULL};
  dialect->too_many =
      (ManyPolicy)take_choice(option, choices, "'reject', 'cut', 'extra' or 'stop'");
}

static void take_stray_quote(const Option *option, Dialect *dialect) {
  static const char *const choices[] = {"reject", "repair", NULL};
  dialect->repair_quotes = take_choice(option, choices, "'reject' or 'repair'");
}

static void take_second_table(const Option *option, Dialect *dialect) {
  static const char *const choices[] = {"reject", "stop", NULL};
  dialect->end_at_second_table = take_choice(option, choices, "'reject' or 'stop'");
}

static void take_max_record(const Option *option, Dialect *dialect) {
  dialect->max_record = take_size(option, 1, MAX_MAX_RECORD, "bytes from 1 to 536870912");
}

static void take_max_field(const Option *option, Dialect *dialect) {
  dialect->max_field = take_size(option, 1, MAX_MAX_RECORD, "bytes from 1 to 536870912");
}

static void take_max_record_lines(const Option *option, Dialect *dialect) {
  dialect->max_record_lines = (uint32_t)take_size(option, 1, MAX_LINES, "lines from 1 on");
}

// The text

static void take_encoding(const Option *option, Dialect *dialect) {
  static const char expected[] = "the name of an encoding";
  size_t len;
  const char *text = take_text(option, &len, expected);
  if (len == 0 || len >= sizeof dialect->text.encoding || ends_line(text, len))
    refuse(option, expected);
  memcpy(dialect->text.encoding, text, len + 1);
}

static void take_invalid(const Option *option, Dialect *dialect) {
  static const char *const choices[] = {"reject", "windows-1252", NULL};
  dialect->text.fallback = take_choice(option, choices, "'reject' or 'windows-1252'");
}

static void take_nul(const Option *option, Dialect *dialect) {
  static const char *const choices[] = {"reject", "strip", NULL};
  dialect->text.strip_nul = take_choice(option, choices, "'reject' or 'strip'");
}

// Not of the dialect: csv_check_member.
static void take_member(const Option *option, Dialect *dialect) {
  (void)dialect;
  take_text(option, NULL, "the name of a file in the zip");
}

// One switch for all who want everything in; options of their own win over it.
static void take_tolerant(const Option *option, Dialect *dialect) {
  if (!take_flag(option))
    return;
  dialect->too_few = FEW_PAD;
  dialect->too_many = MANY_EXTRA;
  dialect->repair_quotes = true;
  dialect->repair_names = true;
  dialect->repeated_header = HEADER_SKIP;
  dialect->text.fallback = true;
  dialect->text.strip_nul = true;
}

typedef struct Taker {
  const char *name;
  void (*take)(const Option *option, Dialect *dialect);
} Taker;

static const Taker takers[] = {
    {"tolerant", take_tolerant},
    {"delimiter", take_delimiter},
    {"quote", take_quote},
    {"escape", take_escape},
    {"comment", take_comment},
    {"skip_blanks", take_skip_blanks},
    {"line_end", take_line_end},
    {"blank_lines", take_blank_lines},
    {"skip", take_skip},
    {"footer", take_footer},
    {"header", take_header},
    {"any_header", take_any_header},
    {"header_names", take_header_names},
    {"repeated_header", take_repeated_header},
    {"too_few", take_too_few},
    {"too_many", take_too_many},
    {"stray_quote", take_stray_quote},
    {"second_table", take_second_table},
    {"max_record", take_max_record},
    {"max_field", take_max_field},
    {"max_record_lines", take_max_record_lines},
    {"encoding", take_encoding},
    {"invalid", take_invalid},
    {"nul", take_nul},
    {"member", take_member},
};

enum { TAKER_COUNT = sizeof takers / sizeof *takers };

static bool is_known(const char *name) {
  for (size_t i = 0; i < TAKER_COUNT; i++)
    if (strcmp(takers[i].name, name) == 0)
      return true;
  return false;
}

static void check_names(lua_State *L, int index) {
  lua_pushnil(L);
  while (lua_next(L, index)) { // key, value
    luaL_argcheck(L, lua_type(L, -2) == LUA_TSTRING, index, "option names expected as keys");
    if (!is_known(lua_tostring(L, -2)))
      luaL_argerror(L, index, lua_pushfstring(L, "unknown option '%s'", lua_tostring(L, -2)));
    lua_pop(L, 1);
  }
}

Dialect csv_check_options(lua_State *L, int index) {
  Dialect dialect = dialect_default();
  if (lua_isnoneornil(L, index))
    return dialect;
  luaL_checktype(L, index, LUA_TTABLE);
  check_names(L, index);
  for (size_t i = 0; i < TAKER_COUNT; i++) {
    Option option = {L, index, takers[i].name};
    if (lua_getfield(L, index, option.name) != LUA_TNIL)
      takers[i].take(&option, &dialect);
    lua_pop(L, 1);
  }
  if (dialect.escape == dialect.quote && !dialect.unquoted)
    dialect.escape = 0; // doubling
  Error error;
  if (!dialect_check(&dialect, &error))
    luaL_argerror(L, index, error.message);
  return dialect;
}

const char *csv_check_member(lua_State *L, int index) {
  if (!lua_istable(L, index))
    return NULL;
  lua_getfield(L, index, "member");
  const char *member = lua_tostring(L, -1);
  lua_pop(L, 1);
  return member;
}
