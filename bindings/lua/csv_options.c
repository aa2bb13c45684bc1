// See csv_options.h. One table lists the options and the functions that take their values.
#include "lua/csv_options.h"

#include <lauxlib.h>
#include <string.h>

#include "base/nearest.h"

enum {
  MAX_MAX_RECORD = 512 * 1024 * 1024,
  MAX_SKIP = 1000 * 1000,
  MAX_COLUMNS = 1600,
  MAX_LINES = 1000 * 1000 * 1000,
};

typedef enum OptionKind { OPTION_TEXT, OPTION_FLAG, OPTION_COUNT, OPTION_CHOICE } OptionKind;

static const char *const kind_words[] = {"text", "flag", "count", "choice"};

// An option whose value is on top of the stack.
typedef struct Option {
  lua_State *L;
  int index; // of the table, for messages
  const char *name;
} Option;

// The field of a Dialect that a flag (0 or 1), a choice (its place in the list) or a count is.
typedef struct Place {
  size_t offset;
  size_t size; // 0: none
} Place;

#define PLACE(field)                                                                               \
  { offsetof(Dialect, field), sizeof((Dialect *)NULL)->field }

// All there is to know about an option. The command line's is the same with dashes.
typedef struct OptionRow {
  const char *name;
  OptionKind kind;
  const char *choices[5];  // OPTION_CHOICE
  lua_Integer least, most; // OPTION_COUNT
  const char *unit;        // of a count: "lines"
  const char *value;       // what the help of the command line calls the value
  const char *help;        // NULL: not on the command line
  Place place;
  void (*set)(Dialect *dialect, size_t value); // instead: of more than one field
  void (*take)(const Option *option,
               Dialect *dialect); // instead: text, and what can be of two kinds
  bool first;                     // taken before the others, which win over it
} OptionRow;

static int refuse(const Option *option, const char *expected) {
  return luaL_argerror(option->L, option->index,
                       lua_pushfstring(option->L, "option '%s': %s expected, got '%s'",
                                       option->name, expected,
                                       luaL_tolstring(option->L, -1, NULL)));
}

static size_t take_flag(const Option *option) {
  if (!lua_isboolean(option->L, -1))
    refuse(option, "a boolean");
  return (size_t)lua_toboolean(option->L, -1);
}

static size_t take_count(const Option *option, const OptionRow *row) {
  lua_State *L = option->L;
  lua_Integer size = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : -1;
  if (size < row->least || size > row->most) {
    lua_pushfstring(L, "%s from %I to %I", row->unit, (LUAI_UACINT)row->least,
                    (LUAI_UACINT)row->most);
    lua_insert(L, -2);
    refuse(option, lua_tostring(L, -2));
  }
  return (size_t)size;
}

static const char *take_text(const Option *option, size_t *len, const char *expected) {
  if (lua_type(option->L, -1) != LUA_TSTRING)
    refuse(option, expected);
  return lua_tolstring(option->L, -1, len);
}

// Pushes "'reject', 'pad' or 'stop'" below the value.
static const char *push_choices(lua_State *L, const char *const *choices) {
  lua_pushliteral(L, "");
  for (size_t i = 0; choices[i]; i++) {
    const char *between = i == 0 ? "" : choices[i + 1] ? ", " : " or ";
    lua_pushfstring(L, "%s%s'%s'", lua_tostring(L, -1), between, choices[i]);
    lua_remove(L, -2);
  }
  lua_insert(L, -2);
  return lua_tostring(L, -2);
}

static size_t take_choice(const Option *option, const char *const *choices) {
  const char *text = lua_type(option->L, -1) == LUA_TSTRING ? lua_tostring(option->L, -1) : "";
  for (size_t i = 0; choices[i]; i++)
    if (strcmp(choices[i], text) == 0)
      return i;
  return (size_t)refuse(option, push_choices(option->L, choices));
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

static void take_header(const Option *option, Dialect *dialect) {
  lua_State *L = option->L;
  lua_Integer lines = lua_isboolean(L, -1)   ? lua_toboolean(L, -1)
                      : lua_isinteger(L, -1) ? lua_tointeger(L, -1)
                                             : -1;
  if (lines < 0 || lines > MAX_HEADER_LINES)
    refuse(option, "a boolean or lines from 0 to 16");
  dialect->header_lines = (uint32_t)lines;
  dialect->headerless = lines == 0;
}

static void take_encoding(const Option *option, Dialect *dialect) {
  static const char expected[] = "the name of an encoding";
  size_t len;
  const char *text = take_text(option, &len, expected);
  if (len == 0 || len >= sizeof dialect->text.encoding || ends_line(text, len))
    refuse(option, expected);
  memcpy(dialect->text.encoding, text, len + 1);
}

// PostgreSQL's names of encodings, and iconv's for them; all but MULE_INTERNAL, which the server
// does not convert from UTF-8, so that nobody connects.
static void take_stored(const Option *option, Dialect *dialect) {
  static const char *const names[][2] = {
      {"LATIN1", "ISO-8859-1"},     {"LATIN2", "ISO-8859-2"},
      {"LATIN3", "ISO-8859-3"},     {"LATIN4", "ISO-8859-4"},
      {"LATIN5", "ISO-8859-9"},     {"LATIN6", "ISO-8859-10"},
      {"LATIN7", "ISO-8859-13"},    {"LATIN8", "ISO-8859-14"},
      {"LATIN9", "ISO-8859-15"},    {"LATIN10", "ISO-8859-16"},
      {"ISO_8859_5", "ISO-8859-5"}, {"ISO_8859_6", "ISO-8859-6"},
      {"ISO_8859_7", "ISO-8859-7"}, {"ISO_8859_8", "ISO-8859-8"},
      {"KOI8R", "KOI8-R"},          {"KOI8U", "KOI8-U"},
      {"WIN866", "CP866"},          {"WIN874", "CP874"},
      {"WIN1250", "CP1250"},        {"WIN1251", "CP1251"},
      {"WIN1252", "CP1252"},        {"WIN1253", "CP1253"},
      {"WIN1254", "CP1254"},        {"WIN1255", "CP1255"},
      {"WIN1256", "CP1256"},        {"WIN1257", "CP1257"},
      {"WIN1258", "CP1258"},        {"EUC_CN", "EUC-CN"},
      {"EUC_KR", "EUC-KR"},         {"EUC_TW", "EUC-TW"},
      {"EUC_JP", "EUC-JP-MS"},      {"EUC_JIS_2004", "EUC-JISX0213"},
  };
  const char *name = take_text(option, NULL, "an encoding of PostgreSQL");
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(name, names[i][0]) == 0)
      strcpy(dialect->text.stored, names[i][1]);
}

// Not of the dialect: csv_check_name.
static void take_member(const Option *option, Dialect *dialect) {
  (void)dialect;
  take_text(option, NULL, "the name of a file in the zip");
}

static void take_version(const Option *option, Dialect *dialect) {
  (void)dialect;
  take_text(option, NULL, "the version of an object behind a URL");
}

static void set_format(Dialect *dialect, size_t value) {
  dialect->text_format = value;
  if (!value)
    return;
  dialect->delimiter = '\t';
  dialect->unquoted = true;
  dialect->escape = '\\';
}

// One switch for loading everything; explicit options override it.
static void set_tolerant(Dialect *dialect, size_t value) {
  if (!value)
    return;
  dialect->too_few = FEW_PAD;
  dialect->too_many = MANY_EXTRA;
  dialect->repair_quotes = true;
  dialect->blanks_after_quote = true;
  dialect->trailing_delimiter = true;
  dialect->repair_names = true;
  dialect->repeated_header = HEADER_SKIP;
  dialect->text.fallback = true;
  dialect->text.strip_nul = true;
}

// In the order in which the help of the command line lists them.
static const OptionRow rows[] = {
    {.name = "format",
     .kind = OPTION_CHOICE,
     .set = set_format,
     .choices = {"csv", "text"},
     .first = true,
     .help = "'text' is COPY's: tabs, backslashes, \\N (default: csv)."},
    {.name = "delimiter",
     .take = take_delimiter,
     .value = "TEXT",
     .help = "Delimiter (default: comma); 'tab' works too."},
    {.name = "quote",
     .take = take_quote,
     .value = "C",
     .help = "Around fields (default: \"); '' for none."},
    {.name = "escape",
     .take = take_escape,
     .value = "C",
     .help = "Escape before a quote that is data (default: the quote is doubled)."},
    {.name = "comment",
     .take = take_comment,
     .value = "TEXT",
     .help = "Skip lines that start with this."},
    {.name = "skip_blanks",
     .kind = OPTION_FLAG,
     .place = PLACE(skip_blanks),
     .help = "Skip blanks at the start of a field."},
    {.name = "line_end",
     .kind = OPTION_CHOICE,
     .place = PLACE(line_end),
     .choices = {"lf", "cr"},
     .help = "Line end (default: detected)."},
    {.name = "blank_lines",
     .kind = OPTION_CHOICE,
     .place = PLACE(keep_blank_lines),
     .choices = {"skip", "keep"},
     .help = "Whether blank lines are records (default: skip)."},
    {.name = "skip",
     .kind = OPTION_COUNT,
     .place = PLACE(skip),
     .most = MAX_SKIP,
     .unit = "lines",
     .value = "N",
     .help = "Lines before the header to skip."},
    {.name = "footer",
     .kind = OPTION_COUNT,
     .place = PLACE(footer),
     .most = MAX_FOOTER,
     .unit = "lines",
     .value = "N",
     .help = "Lines at the end to skip."},
    {.name = "header",
     .kind = OPTION_COUNT,
     .take = take_header,
     .value = "N",
     .help = "Lines of the header (default: 1)."},
    {.name = "header_names",
     .kind = OPTION_CHOICE,
     .place = PLACE(repair_names),
     .choices = {"strict", "repair"},
     .help = "Empty, repeated and over-long names (default: strict)."},
    {.name = "repeated_header",
     .kind = OPTION_CHOICE,
     .place = PLACE(repeated_header),
     .choices = {"reject", "skip", "load"},
     .help = "A record equal to the header (default: reject)."},
    {.name = "too_few",
     .kind = OPTION_CHOICE,
     .place = PLACE(too_few),
     .choices = {"reject", "pad", "stop"},
     .help = "Records with too few fields (default: reject)."},
    {.name = "too_many",
     .kind = OPTION_CHOICE,
     .place = PLACE(too_many),
     .choices = {"reject", "cut", "extra", "stop"},
     .help = "Records with too many fields (default: reject)."},
    {.name = "stray_quote",
     .kind = OPTION_CHOICE,
     .place = PLACE(repair_quotes),
     .choices = {"reject", "repair"},
     .help = "A stray quote (default: reject)."},
    {.name = "blanks_after_quote",
     .kind = OPTION_CHOICE,
     .place = PLACE(blanks_after_quote),
     .choices = {"reject", "skip"},
     .help = "Blanks after a closing quote (default: reject)."},
    {.name = "trailing_delimiter",
     .kind = OPTION_CHOICE,
     .place = PLACE(trailing_delimiter),
     .choices = {"field", "skip"},
     .help = "A delimiter at the end of the line (default: a field follows)."},
    {.name = "second_table",
     .kind = OPTION_CHOICE,
     .place = PLACE(end_at_second_table),
     .choices = {"reject", "stop"},
     .help = "Another table below this one (default: reject its records)."},
    {.name = "max_record",
     .kind = OPTION_COUNT,
     .place = PLACE(max_record),
     .least = 1,
     .most = MAX_MAX_RECORD,
     .unit = "bytes",
     .value = "BYTES",
     .help = "Longer records are rejected (default: 16 MiB)."},
    {.name = "max_record_lines",
     .kind = OPTION_COUNT,
     .place = PLACE(max_record_lines),
     .least = 1,
     .most = MAX_LINES,
     .unit = "lines",
     .value = "N",
     .help = "Records over more lines are rejected."},
    {.name = "max_field",
     .kind = OPTION_COUNT,
     .place = PLACE(max_field),
     .least = 1,
     .most = MAX_MAX_RECORD,
     .unit = "bytes",
     .value = "BYTES",
     .help = "Records with a longer field are rejected."},
    {.name = "encoding",
     .take = take_encoding,
     .value = "NAME",
     .help = "Encoding (default: utf-8): a name that iconv knows, or 'auto' to detect it."},
    {.name = "invalid",
     .kind = OPTION_CHOICE,
     .place = PLACE(text.fallback),
     .choices = {"reject", "windows-1252"},
     .help = "Fields that are not valid in it (default: reject the record)."},
    {.name = "nul",
     .kind = OPTION_CHOICE,
     .place = PLACE(text.strip_nul),
     .choices = {"reject", "strip"},
     .help = "NUL bytes (default: reject the record)."},
    {.name = "tolerant",
     .kind = OPTION_FLAG,
     .set = set_tolerant,
     .first = true,
     .help = "Accept everything: pad, extra, repair, skip. What was done is counted."},
    {.name = "any_header", .kind = OPTION_FLAG, .place = PLACE(any_header)},
    {.name = "columns",
     .kind = OPTION_COUNT,
     .place = PLACE(columns),
     .least = 1,
     .most = MAX_COLUMNS,
     .unit = "columns"},
    {.name = "member", .take = take_member},
    {.name = "version", .take = take_version},
    {.name = "stored", .take = take_stored},
};

enum { ROW_COUNT = sizeof rows / sizeof *rows };

static bool is_known(const char *name) {
  for (size_t i = 0; i < ROW_COUNT; i++)
    if (strcmp(rows[i].name, name) == 0)
      return true;
  return false;
}

static void refuse_name(lua_State *L, int index, const char *name) {
  const char *names[ROW_COUNT];
  for (size_t i = 0; i < ROW_COUNT; i++)
    names[i] = rows[i].name;
  const char *nearest = nearest_word(name, names, ROW_COUNT);
  lua_pushfstring(L, nearest ? ": did you mean '%s'?" : "", nearest);
  luaL_argerror(L, index, lua_pushfstring(L, "unknown option '%s'%s", name, lua_tostring(L, -1)));
}

static void check_names(lua_State *L, int index) {
  lua_pushnil(L);
  while (lua_next(L, index)) { // key, value
    luaL_argcheck(L, lua_type(L, -2) == LUA_TSTRING, index, "option names expected as keys");
    if (!is_known(lua_tostring(L, -2)))
      refuse_name(L, index, lua_tostring(L, -2));
    lua_pop(L, 1);
  }
}

// Fields are a bool, a size_t, or an enumeration or a number of 32 bits.
static void put(Dialect *dialect, Place place, size_t value) {
  char *field = (char *)dialect + place.offset;
  bool flag = value;
  uint32_t number = (uint32_t)value;
  if (place.size == sizeof flag)
    memcpy(field, &flag, sizeof flag);
  else if (place.size == sizeof number)
    memcpy(field, &number, sizeof number);
  else
    memcpy(field, &value, sizeof value);
}

static void take_value(const Option *option, const OptionRow *row, Dialect *dialect) {
  size_t value = row->kind == OPTION_FLAG     ? take_flag(option)
                 : row->kind == OPTION_CHOICE ? take_choice(option, row->choices)
                                              : take_count(option, row);
  if (row->set)
    row->set(dialect, value);
  else
    put(dialect, row->place, value);
}

static void take_row(lua_State *L, int index, const OptionRow *row, Dialect *dialect) {
  Option option = {L, index, row->name};
  int top = lua_gettop(L);
  if (lua_getfield(L, index, row->name) == LUA_TNIL)
    ;
  else if (row->take)
    row->take(&option, dialect);
  else
    take_value(&option, row, dialect);
  lua_settop(L, top);
}

Dialect csv_check_options(lua_State *L, int index) {
  Dialect dialect = dialect_default();
  if (lua_isnoneornil(L, index))
    return dialect;
  luaL_checktype(L, index, LUA_TTABLE);
  check_names(L, index);
  for (size_t i = 0; i < ROW_COUNT; i++)
    if (rows[i].first)
      take_row(L, index, &rows[i], &dialect);
  for (size_t i = 0; i < ROW_COUNT; i++)
    if (!rows[i].first)
      take_row(L, index, &rows[i], &dialect);
  if (dialect.escape == dialect.quote && !dialect.unquoted)
    dialect.escape = 0; // doubling
  Error error;
  if (!dialect_check(&dialect, &error))
    luaL_argerror(L, index, error.message);
  return dialect;
}

static const char *text_field(lua_State *L, int index, const char *field) {
  if (index == 0 || !lua_istable(L, index))
    return NULL;
  lua_getfield(L, index, field);
  const char *text = lua_tostring(L, -1);
  lua_pop(L, 1);
  return text;
}

InputName csv_check_name(lua_State *L, int path, int index) {
  InputName name = {.path = luaL_checkstring(L, path),
                    .member = text_field(L, index, "member"),
                    .version = text_field(L, index, "version")};
  if (input_is_url(name.path) && !input_opener()) {
    lua_getglobal(L, "require");
    lua_pushliteral(L, "pghost.native.remote");
    lua_call(L, 1, 0);
  }
  return name;
}

static void set_text(lua_State *L, const char *field, const char *text) {
  lua_pushstring(L, text); // nil for NULL
  lua_setfield(L, -2, field);
}

static void set_choices(lua_State *L, const char *const *choices) {
  lua_newtable(L);
  for (size_t i = 0; choices[i]; i++) {
    lua_pushstring(L, choices[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "choices");
}

int csv_push_options(lua_State *L) {
  lua_newtable(L);
  for (size_t i = 0; i < ROW_COUNT; i++) {
    if (!rows[i].help)
      continue;
    lua_createtable(L, 0, 5);
    set_text(L, "name", rows[i].name);
    set_text(L, "kind", kind_words[rows[i].kind]);
    set_text(L, "value", rows[i].value);
    set_text(L, "help", rows[i].help);
    if (rows[i].kind == OPTION_CHOICE)
      set_choices(L, rows[i].choices);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  }
  return 1;
}
