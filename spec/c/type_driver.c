// Lets specs call rules/type.h: reads commands from stdin, one a line, its words separated by tabs,
// and answers each with one line. Values come as hexadecimal digits of their text.
//
//   parse TYPE HEX [FORMAT]   -> the binary field in hexadecimal, or "- REASON"
//   compare TYPE HEX HEX      -> -1, 0, 1, or "- REASON"
//   name SQL_NAME             -> the type's name, or "-"
//   format TYPE FORMAT        -> "ok", or "- REASON"
//   blanks TYPE HEX COUNT     -> the length of the field for the text with COUNT blanks before it
//   time TYPE HEX COUNT [FORMAT] -> nanoseconds for one parse and encode, COUNT times
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "rules/type.h"

enum { MAX_WORDS = 5 };

static int nibble(char c) {
  return c <= '9' ? c - '0' : c - 'a' + 10;
}

// A copy of the decoded bytes in memory of just that size, so that a sanitizer sees a read beyond.
static char *decode(const char *hex, size_t *len) {
  *len = strlen(hex) / 2;
  char *bytes = malloc(*len ? *len : 1);
  for (size_t i = 0; bytes && i < *len; i++)
    bytes[i] = (char)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
  return bytes;
}

// Prints a field without the four bytes of its length, which must agree with the bytes.
static void print_field(const Buffer *field) {
  uint32_t len;
  memcpy(&len, field->data, sizeof len);
  if (__builtin_bswap32(len) != field->len - sizeof len)
    printf("- wrong length");
  for (size_t i = sizeof len; i < field->len; i++)
    printf("%02x", (unsigned char)field->data[i]);
}

static void parse(const Type *type, const char *hex) {
  Buffer scratch = {0};
  Buffer field = {0};
  Value value;
  const char *reason = "no reason";
  size_t len;
  char *text = decode(hex, &len);
  if (type_parse(type, text, len, &scratch, &value, &reason)) {
    type_encode(type, &value, &scratch, &field);
    print_field(&field);
  } else {
    printf("- %s", reason);
  }
  free(text);
  buffer_free(&field);
  buffer_free(&scratch);
}

static void compare(const Type *type, const char *hex_a, const char *hex_b) {
  Buffer scratch = {0};
  Value a;
  Value b;
  const char *reason = "no reason";
  size_t len_a;
  size_t len_b;
  char *text_a = decode(hex_a, &len_a);
  char *text_b = decode(hex_b, &len_b);
  if (type_parse(type, text_a, len_a, &scratch, &a, &reason) &&
      type_parse(type, text_b, len_b, &scratch, &b, &reason))
    printf("%d", type_compare(type, &a, &b, &scratch));
  else
    printf("- %s", reason);
  free(text_a);
  free(text_b);
  buffer_free(&scratch);
}

static void measure(const Type *type, const char *hex, long count) {
  Buffer scratch = {0};
  Buffer field = {0};
  Value value;
  const char *reason = "no reason";
  size_t len;
  char *text = decode(hex, &len);
  struct timespec start;
  struct timespec stop;
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (long i = 0; i < count; i++) {
    buffer_clear(&scratch);
    buffer_clear(&field);
    if (type_parse(type, text, len, &scratch, &value, &reason))
      type_encode(type, &value, &scratch, &field);
  }
  clock_gettime(CLOCK_MONOTONIC, &stop);
  double nanoseconds = (double)(stop.tv_sec - start.tv_sec) * 1e9;
  nanoseconds += (double)(stop.tv_nsec - start.tv_nsec);
  printf("%.1f", nanoseconds / (double)count);
  free(text);
  buffer_free(&field);
  buffer_free(&scratch);
}

static void parse_behind_blanks(const Type *type, const char *hex, size_t count) {
  Buffer scratch = {0};
  Buffer field = {0};
  Value value;
  const char *reason = "no reason";
  size_t len;
  char *text = decode(hex, &len);
  char *padded = malloc(count + len);
  memset(padded, ' ', count);
  memcpy(padded + count, text, len);
  if (type_parse(type, padded, count + len, &scratch, &value, &reason)) {
    type_encode(type, &value, &scratch, &field);
    printf("%zu", field.len - sizeof(uint32_t));
  } else {
    printf("- %s", reason);
  }
  free(padded);
  free(text);
  buffer_free(&field);
  buffer_free(&scratch);
}

static void name(const char *sql_name) {
  Type type;
  char text[64] = "-";
  if (type_from_name(sql_name, &type))
    type_name(&type, text, sizeof text);
  printf("%s", text);
}

static void print_format(const char *format, Type type) {
  const char *reason = "no reason";
  if (type_set_format(&type, format, &reason))
    printf("ok");
  else
    printf("- %s", reason);
}

static void answer(char **words, int count) {
  Type type;
  const char *reason = "no reason";
  const char *format = strcmp(words[0], "parse") == 0  ? words[3]
                       : strcmp(words[0], "time") == 0 ? words[4]
                                                       : NULL;
  if (count == 2 && strcmp(words[0], "name") == 0)
    name(words[1]);
  else if (count < 3 || !type_from_name(words[1], &type))
    printf("- not a command or a type");
  else if (strcmp(words[0], "format") == 0)
    print_format(words[2], type);
  else if (format && !type_set_format(&type, format, &reason))
    printf("- %s", reason);
  else if (strcmp(words[0], "parse") == 0)
    parse(&type, words[2]);
  else if (strcmp(words[0], "compare") == 0 && count == 4)
    compare(&type, words[2], words[3]);
  else if (strcmp(words[0], "blanks") == 0 && count == 4)
    parse_behind_blanks(&type, words[2], strtoul(words[3], NULL, 10));
  else if (strcmp(words[0], "time") == 0 && count >= 4)
    measure(&type, words[2], strtol(words[3], NULL, 10));
  else
    printf("- not a command");
}

int main(void) {
  char *line = NULL;
  size_t size = 0;
  ssize_t len;
  while ((len = getline(&line, &size, stdin)) > 0) {
    line[len - (line[len - 1] == '\n')] = 0;
    char *words[MAX_WORDS] = {0};
    int count = 0;
    for (char *at = line; at && count < MAX_WORDS; count++) {
      words[count] = at;
      at = strchr(at, '\t');
      if (at)
        *at++ = 0;
    }
    answer(words, count);
    putchar('\n');
  }
  free(line);
  return ferror(stdin) || ferror(stdout);
}
