// The formats that a date, perhaps with a time, could be in.
#include "sniff/formats.h"

#include <stdio.h>

typedef struct Reading {
  const char *at;
  const char *end;
} Reading;

static bool is_digit(char c) {
  return (unsigned char)(c - '0') < 10;
}

static bool is_letter(char c) {
  return (unsigned char)((c | 0x20) - 'a') < 26;
}

static size_t digits(Reading *reading) {
  const char *from = reading->at;
  while (reading->at < reading->end && is_digit(*reading->at))
    reading->at++;
  return (size_t)(reading->at - from);
}

static size_t letters(Reading *reading) {
  const char *from = reading->at;
  while (reading->at < reading->end && is_letter(*reading->at))
    reading->at++;
  return (size_t)(reading->at - from);
}

static char separator(Reading *reading) {
  return reading->at < reading->end && strchr("/.- ", *reading->at) ? *reading->at++ : 0;
}

// What follows the date: "" or " HH24:MI:SS". NULL: no time that is known.
static const char *time_format(Reading reading, char *out, size_t size) {
  if (reading.at == reading.end)
    return "";
  const char *before = *reading.at == 'T' ? "\"T\"" : " ";
  if (*reading.at != ' ' && *reading.at != 'T')
    return NULL;
  reading.at++;
  if (digits(&reading) == 0 || reading.at == reading.end || *reading.at++ != ':' ||
      digits(&reading) != 2)
    return NULL;
  const char *seconds = "";
  if (reading.at < reading.end && *reading.at == ':') {
    reading.at++;
    if (digits(&reading) != 2)
      return NULL;
    seconds = ":SS";
    if (reading.at < reading.end && *reading.at == '.') {
      reading.at++;
      digits(&reading);
      seconds = ":SS.US";
    }
  }
  bool blank = reading.at < reading.end && *reading.at == ' ';
  reading.at += blank;
  bool half = reading.end - reading.at == 2 && (reading.at[1] | 0x20) == 'm';
  if (!half && reading.at < reading.end)
    return NULL;
  snprintf(out, size, "%s%s:MI%s%s", before, half ? "HH12" : "HH24", seconds,
           !half   ? ""
           : blank ? " AM"
                   : "AM");
  return out;
}

static void add(SniffColumn *column, const char *text, size_t len, const char *date,
                const char *time) {
  if (column->format_count == SNIFF_FORMATS)
    return;
  char *format = column->formats[column->format_count];
  Type *type = &column->types[column->format_count];
  const char *reason;
  Buffer scratch = {0};
  Value value;
  snprintf(format, SNIFF_FORMAT_SIZE, "%s%s", date, time);
  *type = (Type){.kind = *time ? &type_timestamp : &type_date};
  if (type_set_format(type, format, &reason) &&
      type_parse(type, text, len, &scratch, &value, &reason))
    column->format_count++;
  buffer_free(&scratch);
}

// Three numbers: the day or the month first, or the year, which ISO 8601 has first before hyphens.
static void add_numbers(SniffColumn *column, const char *text, size_t len, size_t first,
                        size_t last, char between, const char *time) {
  static const char *const orders[][2] = {{"DD%cMM%cYYYY", "MM%cDD%cYYYY"},
                                          {"DD%cMM%cYY", "MM%cDD%cYY"},
                                          {"YYYY%cMM%cDD", "YY%cMM%cDD"}};
  char date[SNIFF_FORMAT_SIZE];
  bool year_first = first == 4;
  bool iso = first == 2 && last == 2 && between == '-';
  if (iso)
    add(column, text, len, "YY-MM-DD", time);
  for (size_t i = 0; i < 2 && !year_first && (last == 4 || last == 2); i++) {
    const char *order = orders[last == 2][i];
    snprintf(date, sizeof date, "%.2s%c%.2s%c%s", order, between, order + 4, between, order + 8);
    add(column, text, len, date, time);
  }
  if ((year_first && last <= 2) || (first == 2 && last == 2 && !iso)) {
    snprintf(date, sizeof date, "%s%cMM%cDD", year_first ? "YYYY" : "YY", between, between);
    add(column, text, len, date, time);
  }
}

static const char *month_word(size_t len) {
  return len > 3 ? "Month" : "Mon";
}

// "05 Mar 2024", "5-Mar-24"
static void add_month_second(SniffColumn *column, const char *text, size_t len, Reading reading,
                             char between, char *time, size_t size) {
  char date[SNIFF_FORMAT_SIZE];
  size_t month = letters(&reading);
  char second = separator(&reading);
  size_t year = second ? digits(&reading) : 0;
  const char *rest = time_format(reading, time, size);
  if (month < 3 || !rest || (year != 2 && year != 4))
    return;
  snprintf(date, sizeof date, "DD%c%s%c%s", between, month_word(month), second,
           year == 4 ? "YYYY" : "YY");
  add(column, text, len, date, rest);
}

// "Mar 5, 2024"
static void add_month_first(SniffColumn *column, const char *text, size_t len, Reading reading,
                            char *time, size_t size) {
  char date[SNIFF_FORMAT_SIZE];
  size_t month = letters(&reading);
  if (month < 3 || separator(&reading) != ' ' || digits(&reading) == 0)
    return;
  bool comma = reading.at < reading.end && *reading.at == ',';
  reading.at += comma;
  if (separator(&reading) != ' ' || digits(&reading) != 4)
    return;
  const char *rest = time_format(reading, time, size);
  if (!rest)
    return;
  snprintf(date, sizeof date, "%s DD%s YYYY", month_word(month), comma ? "," : "");
  add(column, text, len, date, rest);
}

void sniff_formats(const char *text, size_t len, SniffColumn *column) {
  char time[24];
  while (len > 0 && *text == ' ') {
    text++;
    len--;
  }
  while (len > 0 && text[len - 1] == ' ')
    len--;
  if (len < 6 || len > 40)
    return;
  Reading reading = {text, text + len};
  if (is_letter(*text)) {
    add_month_first(column, text, len, reading, time, sizeof time);
    return;
  }
  size_t first = digits(&reading);
  if (first == 8 && (text[0] == '1' || text[0] == '2') && reading.at == reading.end) {
    add(column, text, len, "YYYYMMDD", "");
    return;
  }
  char between = separator(&reading);
  if (first == 0 || first > 4 || !between || reading.at == reading.end)
    return;
  if (is_letter(*reading.at)) {
    add_month_second(column, text, len, reading, between, time, sizeof time);
    return;
  }
  size_t second = digits(&reading);
  if (second == 0 || second > 2 || separator(&reading) != between)
    return;
  size_t last = digits(&reading);
  const char *rest = time_format(reading, time, sizeof time);
  if (rest && !(first == 4 && between == '-')) // that is ISO 8601
    add_numbers(column, text, len, first, last, between, rest);
}
