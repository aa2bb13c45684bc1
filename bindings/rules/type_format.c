// Explicit formats of dates and times, in the words of the server's to_timestamp.
//
// Stricter than the server, which skips what does not match: the whole text must match, item by
// item. A format is compiled once to a string of items, one byte each: literal bytes are
// themselves, fields are above 127.
#include "rules/type_tools.h"

typedef enum FieldCode {
  FIELD_YEAR = 128, // YYYY
  FIELD_SHORT_YEAR, // YY
  FIELD_MONTH,      // MM
  FIELD_MONTH_ABBREVIATION,
  FIELD_MONTH_NAME,
  FIELD_DAY,
  FIELD_HOUR, // HH24
  FIELD_HALF_HOUR,
  FIELD_MERIDIEM,
  FIELD_MINUTE,
  FIELD_SECOND,
  FIELD_MILLISECOND,
  FIELD_MICROSECOND,
  FIELD_ZONE_HOUR,
  FIELD_ZONE_MINUTE,
  FIELD_FIXED = 64, // a flag: all digits even where one would do, since a digit is next to it
} FieldCode;

// What a field sets; each may be set once.
typedef enum Part {
  PART_YEAR = 1,
  PART_MONTH = 2,
  PART_DAY = 4,
  PART_HOUR = 8,
  PART_MERIDIEM = 16,
  PART_MINUTE = 32,
  PART_SECOND = 64,
  PART_FRACTION = 128,
  PART_ZONE = 256,
  PART_ZONE_MINUTE = 512,
  PARTS_DATE = PART_YEAR | PART_MONTH | PART_DAY,
  PARTS_ZONE = PART_ZONE | PART_ZONE_MINUTE,
} Part;

typedef struct Word {
  const char *text; // lower case; a word comes before those it begins with
  FieldCode field;
  Part part;
} Word;

static const Word words[] = {
    {"yyyy", FIELD_YEAR, PART_YEAR},          {"yy", FIELD_SHORT_YEAR, PART_YEAR},
    {"month", FIELD_MONTH_NAME, PART_MONTH},  {"mon", FIELD_MONTH_ABBREVIATION, PART_MONTH},
    {"mm", FIELD_MONTH, PART_MONTH},          {"dd", FIELD_DAY, PART_DAY},
    {"hh24", FIELD_HOUR, PART_HOUR},          {"hh12", FIELD_HALF_HOUR, PART_HOUR},
    {"am", FIELD_MERIDIEM, PART_MERIDIEM},    {"pm", FIELD_MERIDIEM, PART_MERIDIEM},
    {"mi", FIELD_MINUTE, PART_MINUTE},        {"ss", FIELD_SECOND, PART_SECOND},
    {"ms", FIELD_MILLISECOND, PART_FRACTION}, {"us", FIELD_MICROSECOND, PART_FRACTION},
    {"tzh", FIELD_ZONE_HOUR, PART_ZONE},      {"tzm", FIELD_ZONE_MINUTE, PART_ZONE_MINUTE},
};

enum { WORD_COUNT = sizeof words / sizeof *words };

static bool is_letter(char c) {
  return (unsigned char)((c | 0x20) - 'a') < 26;
}

// Whether `text` begins with `word` (lower case, may have digits), in any case.
static bool begins_with(const char *text, const char *word) {
  for (; *word; text++, word++)
    if (*text != *word && !(is_letter(*text) && (*text | 0x20) == *word))
      return false;
  return true;
}

static const Word *find_word(const char *text) {
  for (int i = 0; i < WORD_COUNT; i++)
    if (begins_with(text, words[i].text))
      return &words[i];
  return NULL;
}

// A format while it is compiled.
typedef struct Compiler {
  const char *at;
  unsigned char items[TYPE_FORMAT_ITEMS];
  size_t count;
  unsigned parts;
  bool half_hour;
  bool quoted;
  const char *problem;
} Compiler;

static void add_item(Compiler *compiler, unsigned item) {
  if (compiler->count + 1 < TYPE_FORMAT_ITEMS)
    compiler->items[compiler->count++] = (unsigned char)item;
  else
    compiler->problem = "too long a format";
}

static void add_word(Compiler *compiler) {
  const Word *word = find_word(compiler->at);
  if (!word) {
    compiler->problem = "a word that is none of YYYY, YY, MM, Mon, Month, DD, HH24, HH12, AM, PM, "
                        "MI, SS, MS, US, TZH, TZM; other text goes in double quotes";
    return;
  }
  if (compiler->parts & word->part)
    compiler->problem = "the same part twice";
  compiler->parts |= word->part;
  compiler->half_hour |= word->field == FIELD_HALF_HOUR;
  compiler->at += strlen(word->text);
  add_item(compiler, word->field);
}

static void add_next(Compiler *compiler) {
  char c = *compiler->at;
  if ((unsigned char)c > 127) {
    compiler->problem = "a character that is not ASCII";
  } else if (c == '"') {
    compiler->quoted = !compiler->quoted;
    compiler->at++;
  } else if (!compiler->quoted && (is_letter(c) || is_digit(c))) {
    add_word(compiler);
  } else {
    add_item(compiler, (unsigned char)c);
    compiler->at++;
  }
}

static bool is_numeric_item(unsigned char item) {
  unsigned field = item & ~(unsigned)FIELD_FIXED;
  return item < 128 ? is_digit((char)item)
                    : field != FIELD_MERIDIEM && field != FIELD_MONTH_NAME &&
                          field != FIELD_MONTH_ABBREVIATION;
}

// Fields with a digit next to them must have all their digits. (A zone's sign keeps what is before
// it apart.)
static void fix_widths(Compiler *compiler) {
  unsigned char *items = compiler->items;
  for (size_t i = 0; i < compiler->count; i++) {
    bool before = i > 0 && is_numeric_item(items[i - 1]);
    bool after =
        i + 1 < compiler->count && is_numeric_item(items[i + 1]) && items[i + 1] != FIELD_ZONE_HOUR;
    if (items[i] > 127 && (before || after))
      items[i] |= FIELD_FIXED;
  }
}

static const char *part_problem(const Compiler *compiler, const TypeKind *kind) {
  unsigned parts = compiler->parts;
  if (kind == &type_time && (parts & (PARTS_DATE | PARTS_ZONE)))
    return "a time has no date and no zone";
  if (kind == &type_time && !(parts & PART_HOUR))
    return "no hour";
  if (kind == &type_date && (parts & ~(unsigned)PARTS_DATE))
    return "a date has no time of day";
  if (kind != &type_time && (parts & PARTS_DATE) != PARTS_DATE)
    return "year, month and day are needed";
  if (kind == &type_timestamp && (parts & PARTS_ZONE))
    return "a timestamp has no zone";
  if (compiler->half_hour != ((parts & PART_MERIDIEM) != 0))
    return "HH12 and AM or PM go together";
  if ((parts & PART_MINUTE && !(parts & PART_HOUR)) ||
      (parts & PART_SECOND && !(parts & PART_MINUTE)) ||
      (parts & PART_FRACTION && !(parts & PART_SECOND)))
    return "hours, minutes, seconds, fractions: each needs those before it";
  if (parts & PART_ZONE_MINUTE && !(parts & PART_ZONE))
    return "TZM needs TZH";
  return NULL;
}

static bool compile(const char *format, const TypeKind *kind, Compiler *compiler) {
  *compiler = (Compiler){.at = format};
  if (kind->parameter != PARAMETER_FORMAT)
    compiler->problem = "only dates and times have a format";
  while (!compiler->problem && *compiler->at)
    add_next(compiler);
  if (!compiler->problem && compiler->quoted)
    compiler->problem = "a double quote that is not closed";
  if (!compiler->problem)
    compiler->problem = part_problem(compiler, kind);
  fix_widths(compiler);
  return !compiler->problem;
}

bool type_set_format(Type *type, const char *format, const char **reason) {
  Compiler compiler;
  if (!compile(format, type->kind, &compiler))
    return refuse(compiler.problem, reason);
  type->format = format;
  memcpy(type->compiled, compiler.items, sizeof type->compiled);
  return true;
}

// What the fields of a text said.
typedef struct Moment {
  unsigned year, month, day;
  unsigned hour, minute, second;
  unsigned microsecond;
  bool half, afternoon;
  bool west;
  unsigned zone_hour, zone_minute;
} Moment;

// Reads between `least` and `most` digits. NULL when there are fewer.
static const char *read_number(const char *at, const char *end, int least, int most,
                               unsigned *number) {
  unsigned n = 0;
  int digits = 0;
  for (; digits < most && at < end && is_digit(*at); digits++)
    n = n * 10 + (unsigned)(*at++ - '0');
  *number = n;
  return digits < least ? NULL : at;
}

// Reads 1 to `most` digits after a decimal point as microseconds.
static const char *read_decimals(const char *at, const char *end, int least, int most,
                                 unsigned *microseconds) {
  unsigned unit = 1000000;
  int digits = 0;
  unsigned sum = 0;
  for (; digits < most && at < end && is_digit(*at); digits++) {
    unit /= 10;
    sum += (unsigned)(*at++ - '0') * unit;
  }
  *microseconds = sum;
  return digits < least ? NULL : at;
}

static const char *read_month(const char *at, const char *end, bool whole, unsigned *month) {
  static const char *const names[] = {"january",   "february", "march",    "april",
                                      "may",       "june",     "july",     "august",
                                      "september", "october",  "november", "december"};
  for (unsigned i = 0; i < 12; i++) {
    size_t len = whole ? strlen(names[i]) : 3;
    if ((size_t)(end - at) < len)
      continue;
    size_t same = 0;
    while (same < len && (at[same] | 0x20) == names[i][same])
      same++;
    if (same == len) {
      *month = i + 1;
      return at + len;
    }
  }
  return NULL;
}

static const char *read_meridiem(const char *at, const char *end, Moment *moment) {
  if (end - at < 2 || (at[1] | 0x20) != 'm')
    return NULL;
  moment->afternoon = (*at | 0x20) == 'p';
  return moment->afternoon || (*at | 0x20) == 'a' ? at + 2 : NULL;
}

static const char *read_half_hour(const char *at, const char *end, int least, Moment *moment) {
  moment->half = true;
  at = read_number(at, end, least, 2, &moment->hour);
  return at && moment->hour >= 1 && moment->hour <= 12 ? at : NULL;
}

static const char *read_zone_hour(const char *at, const char *end, Moment *moment) {
  if (at == end || (*at != '+' && *at != '-'))
    return NULL;
  moment->west = *at == '-';
  return read_number(at + 1, end, 2, 2, &moment->zone_hour);
}

static const char *read_short_year(const char *at, const char *end, Moment *moment) {
  at = read_number(at, end, 2, 2, &moment->year);
  moment->year += moment->year < 70 ? 2000 : 1900;
  return at;
}

static const char *read_field(unsigned item, const char *at, const char *end, Moment *moment) {
  bool fixed = item & FIELD_FIXED;
  int least = fixed ? 2 : 1;
  switch ((FieldCode)(item & ~(unsigned)FIELD_FIXED)) {
  case FIELD_YEAR:
    return read_number(at, end, 4, 4, &moment->year);
  case FIELD_SHORT_YEAR:
    return read_short_year(at, end, moment);
  case FIELD_MONTH:
    return read_number(at, end, least, 2, &moment->month);
  case FIELD_MONTH_ABBREVIATION:
    return read_month(at, end, false, &moment->month);
  case FIELD_MONTH_NAME:
    return read_month(at, end, true, &moment->month);
  case FIELD_DAY:
    return read_number(at, end, least, 2, &moment->day);
  case FIELD_HOUR:
    return read_number(at, end, least, 2, &moment->hour);
  case FIELD_HALF_HOUR:
    return read_half_hour(at, end, least, moment);
  case FIELD_MERIDIEM:
    return read_meridiem(at, end, moment);
  case FIELD_MINUTE:
    return read_number(at, end, 2, 2, &moment->minute);
  case FIELD_SECOND:
    return read_number(at, end, 2, 2, &moment->second);
  case FIELD_MILLISECOND:
    return read_decimals(at, end, fixed ? 3 : 1, 3, &moment->microsecond);
  case FIELD_MICROSECOND:
    return read_decimals(at, end, fixed ? 6 : 1, 6, &moment->microsecond);
  case FIELD_ZONE_HOUR:
    return read_zone_hour(at, end, moment);
  case FIELD_ZONE_MINUTE:
    return read_number(at, end, 2, 2, &moment->zone_minute);
  case FIELD_FIXED:
    break;
  }
  return NULL;
}

static bool match(const unsigned char *item, const char *at, const char *end, Moment *moment) {
  for (; *item; item++) {
    if (*item > 127)
      at = read_field(*item, at, end, moment);
    else
      at = at < end && (unsigned char)*at == *item ? at + 1 : NULL;
    if (!at)
      return false;
  }
  return at == end;
}

// Microseconds since midnight, in UTC; may be before 0 or beyond a day where there is a zone.
static bool time_of(const Moment *moment, int64_t *microseconds) {
  unsigned hour = moment->hour;
  if (moment->half)
    hour = hour % 12 + (moment->afternoon ? 12 : 0);
  if (hour > 23 || moment->minute > 59 || moment->second > 59)
    return false;
  if (moment->zone_hour > 15 || moment->zone_minute > 59)
    return false;
  int64_t zone = (moment->zone_hour * 60 + moment->zone_minute) * 60;
  int64_t second = (hour * 60 + moment->minute) * 60 + moment->second;
  second -= moment->west ? -zone : zone;
  *microseconds = second * MICROSECONDS + moment->microsecond;
  return true;
}

bool parse_formatted(const Type *type, const char *text, size_t len, Value *value) {
  Moment moment = {0};
  int64_t days = 0;
  int64_t microseconds;
  if (!match(type->compiled, text, text + len, &moment) || !time_of(&moment, &microseconds))
    return false;
  if (type->kind != &type_time && !calendar_days(moment.year, moment.month, moment.day, &days))
    return false;
  value->integer = type->kind == &type_date ? days : days * DAY_MICROSECONDS + microseconds;
  return true;
}
