// Explicit formats of dates and times: any format is refused with a reason or compiled; a text it
// takes is a value in range; and that value, written by the same format, is read as the same.
//
// The first byte chooses the kind. The text is the format, and behind the first newline the value.
#include <inttypes.h>
#include <strings.h>

#include "fuzz.h"
#include "fuzz_value.h"

static Buffer scratch, field, written;

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};

typedef struct Number {
  const char *word; // a word comes before those it begins with
  int width;
  int64_t value;
} Number;

static void put_formatted(const char *text) {
  buffer_put(&written, text, strlen(text));
}

static void put_number(const Number *number) {
  char text[32];
  snprintf(text, sizeof text, "%0*" PRId64, number->width, number->value);
  put_formatted(text);
}

static bool begins_with(const char *text, const char *word) {
  return strncasecmp(text, word, strlen(word)) == 0;
}

// Writes the word that the format goes on with; returns its length.
static size_t put_word(const char *format, const FuzzMoment *moment) {
  const Number numbers[] = {
      {"YYYY", 4, moment->year},
      {"YY", 2, moment->year % 100},
      {"MM", 2, moment->month},
      {"DD", 2, moment->day},
      {"HH24", 2, moment->hour},
      {"HH12", 2, moment->hour % 12 ? moment->hour % 12 : 12},
      {"MI", 2, moment->minute},
      {"SS", 2, moment->second},
      {"MS", 3, moment->microsecond / 1000},
      {"US", 6, moment->microsecond},
      {"TZM", 2, 0},
  };
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    if (begins_with(format, numbers[i].word)) {
      put_number(&numbers[i]);
      return strlen(numbers[i].word);
    }
  }
  if (begins_with(format, "Month")) {
    put_formatted(months[moment->month - 1]);
    return 5;
  }
  if (begins_with(format, "Mon")) {
    buffer_put(&written, months[moment->month - 1], 3);
    return 3;
  }
  bool zone = begins_with(format, "TZH");
  put_formatted(zone ? "+00" : moment->hour < 12 ? "AM" : "PM");
  return zone ? 3 : 2;
}

static bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static void write_by_format(const char *format, const FuzzMoment *moment) {
  bool quoted = false;
  buffer_clear(&written);
  while (*format) {
    if (*format == '"')
      quoted = !quoted, format++;
    else if (!quoted && is_word(*format))
      format += put_word(format, moment);
    else
      buffer_put(&written, format++, 1);
  }
}

// MI or HH: no other words side by side make one between them.
static bool has_word(const char *format, const char *word) {
  bool quoted = false;
  for (; *format; format++) {
    quoted ^= *format == '"';
    if (!quoted && begins_with(format, word))
      return true;
  }
  return false;
}

static void check_value(const Type *type, const Value *value) {
  buffer_clear(&field);
  type_encode(type, value, &scratch, &field);
  fuzz_check_field(type, value, &field);
  fuzz_check_canonical(type, value, &field);
  FuzzMoment moment = fuzz_moment(type, value);
  if (moment.year < 1 || moment.year > 9999 || (moment.minute && !has_word(type->format, "MI")) ||
      (moment.hour && !has_word(type->format, "HH")))
    return; // a zone has led beyond what the format can say
  write_by_format(type->format, &moment);
  fuzz_expect_field(type, written.data, written.len, &field);
}

static void check_text(const Type *type, const char *text, size_t len) {
  Value value;
  const char *reason = NULL;
  char *copy = fuzz_copy(text, len);
  buffer_clear(&scratch);
  if (type_parse(type, copy, len, &scratch, &value, &reason))
    check_value(type, &value);
  else
    fuzz_check(reason && *reason, "no reason");
  free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  FuzzInput input = {data, size};
  Type type = {.kind = fuzz_kind(FUZZ_DATE + (fuzz_byte(&input) & 3))};
  size_t len = input.left;
  char *format = fuzz_text(&input);
  char *end = memchr(format, '\n', len);
  if (end)
    *end = 0;
  const char *reason = NULL;
  bool good = type_set_format(&type, format, &reason);
  if (!good)
    fuzz_check(reason && *reason, "no reason");
  else if (end)
    check_text(&type, end + 1, len - (size_t)(end + 1 - format));
  free(format);
  return 0;
}
