// Drives reader and source from specs, where Lua would be too slow or cannot reach.
//
//   csv_driver dump FILE [TARGET]       every record as a line of JSON (bytes as U+0000..U+00FF)
//   csv_driver same FILE...             any chunk size gives the records of one reader_read
//   csv_driver every FILE [OPTION=VALUE...]
//                                       the same with a dialect; prints the records as dump does
//   csv_driver random SEED COUNT OUT    the same for random texts; texts and records go to OUT
//   csv_driver time FILE [TARGET]       megabytes a CPU second, peak memory
//
// Exits with 1 and says what differs. Every check also asserts that no byte is swallowed: between
// two records there are only line ends.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "csv/input_parts.h"
#include "csv_check.h"

static const size_t targets[] = {1, 2, 7, 64, 4096, 65536, 1 << 20};
enum { TARGET_COUNT = sizeof targets / sizeof *targets };

static void check_cuts(Text text, const Dialect *dialect, size_t start, const Buffer *expected) {
  Position position = {start, line_at(&text, start, dialect->line_end)};
  Reader *reader = reader_new(dialect);
  Batch batch = {0};
  Buffer got = {0};
  for (size_t cut = start; cut <= text.len; cut++) {
    read_in_two(text, reader, &batch, position, cut, &got);
    expect_equal(expected, &got, "reading in two calls gives other records");
  }
  reader_free(reader);
  batch_free(&batch);
  buffer_free(&got);
}

// All ways to read `text`; leaves the records (or the message of a source that does not open) in
// `expected`. Returns whether it opened.
static bool check_text(Text text, const Dialect *dialect, bool every_cut, Buffer *expected,
                       Dialect *found) {
  Buffer got = {0};
  size_t start = read_through_source(text, dialect, 1 << 20, 1 << 20, expected, found);
  bool opened = start != SIZE_MAX;
  if (opened)
    read_at_once(text, found, start, expected);
  for (size_t i = 0; i < TARGET_COUNT; i++) {
    if (text.len > 100000 && targets[i] < 64)
      continue;
    read_through_source(text, dialect, targets[i], targets[i] * 3 / 2, &got, found);
    expect_equal(expected, &got, "another chunk size gives other records");
  }
  if (opened && every_cut)
    check_cuts(text, found, start, expected);
  buffer_free(&got);
  return opened;
}

// Random texts

static uint64_t random_state;

// splitmix64, https://prng.di.unimi.it/splitmix64.c
static size_t random_below(size_t limit) {
  uint64_t z = (random_state += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return (size_t)((z ^ (z >> 31)) % limit);
}

static void put_char(Buffer *out, char byte) {
  buffer_put(out, &byte, 1);
}

static void put_good_field(Buffer *out, const Dialect *dialect) {
  static const char *const words[] = {"", "a", " b ", "NULL", "12", "\xc3\xa9", "\t", "x y"};
  if (random_below(3) > 0) {
    const char *word = words[random_below(8)];
    put_text(out, *word == dialect->delimiter ? "tab" : word);
    return;
  }
  put_char(out, dialect->quote);
  for (size_t i = random_below(6); i > 0; i--) {
    char pool[] = {dialect->quote, dialect->delimiter, '\n', '\r', 'q', ' '};
    char byte = pool[random_below(sizeof pool)];
    put_char(out, byte);
    if (byte == dialect->quote)
      put_char(out, byte);
  }
  put_char(out, dialect->quote);
}

static void put_line_end(Buffer *out, int style) {
  put_text(out, style == 0        ? "\n"
                : style == 1      ? "\r\n"
                : style == 2      ? "\r"
                : random_below(2) ? "\n"
                                  : "\r\n");
}

static void put_good_text(Buffer *out, const Dialect *dialect, size_t columns, int style) {
  size_t records = random_below(12);
  for (size_t i = 0; i < records; i++) {
    for (size_t k = 0; k < columns; k++) {
      if (k > 0)
        put_char(out, dialect->delimiter);
      put_good_field(out, dialect);
    }
    if (i + 1 < records || random_below(2))
      put_line_end(out, style);
    if (random_below(10) == 0 && i + 1 < records)
      put_line_end(out, style);
  }
}

static void put_garbage(Buffer *out, const Dialect *dialect) {
  char pool[] = {dialect->quote,
                 dialect->quote,
                 dialect->quote,
                 dialect->delimiter,
                 dialect->delimiter,
                 '\n',
                 '\n',
                 '\n',
                 '\r',
                 'a',
                 'b',
                 ' ',
                 '\0',
                 '\xc3',
                 '\xa9'};
  size_t kinds = random_below(2) ? sizeof pool : sizeof pool - 3;
  for (size_t i = random_below(120); i > 0; i--)
    put_char(out, pool[random_below(kinds)]);
}

static Dialect random_dialect(void) {
  Dialect dialect = dialect_default();
  dialect.delimiter = ",;\t|"[random_below(4)];
  dialect.quote = "\"'"[random_below(2)];
  if (random_below(4) == 0)
    dialect.max_record = 1 + random_below(40);
  return dialect;
}

static void random_header(Buffer *out, const Dialect *dialect, size_t columns, int style) {
  static const char *const names[] = {"a", "b", " c", "d "};
  if (random_below(4) == 0)
    put_text(out, "\xef\xbb\xbf");
  for (size_t i = 0; i < columns; i++) {
    if (i > 0)
      put_char(out, dialect->delimiter);
    put_text(out, names[i]);
  }
  put_line_end(out, style);
}

// One case: {"text":, "good":, "delimiter":, "quote":, "columns":, "cr":, "max_record":} and the
// records on the lines after it, then an empty line.
static void write_case(FILE *file, Text text, bool good, const Dialect *found,
                       const Buffer *records) {
  Buffer json = {0};
  put_json(&json, text.bytes, text.len);
  fprintf(file,
          "{\"text\":%.*s,\"good\":%s,\"delimiter\":%d,\"quote\":%d,\"columns\":%u,\"cr\":%s,"
          "\"crs\":%d,\"max_record\":%zu}\n%.*s\n",
          (int)json.len, json.data, good ? "true" : "false", found->delimiter, found->quote,
          found->columns, found->line_end == LINE_CR ? "true" : "false",
          found->line_end == LINE_CR   ? 0
          : found->line_end == LINE_LF ? 1
                                       : 2,
          found->max_record, (int)records->len, records->len ? records->data : "");
  buffer_free(&json);
}

static int random_cases(uint64_t seed, size_t count, const char *path) {
  FILE *file = fopen(path, "w");
  if (!file)
    return 1;
  Buffer text = {0}, records = {0};
  for (size_t i = 0; i < count; i++) {
    random_state = seed + i * 1000003;
    snprintf(check_what, sizeof check_what, "seed %llu case %zu", (unsigned long long)seed, i);
    Dialect dialect = random_dialect(), found;
    bool good = random_below(2);
    size_t columns = 1 + random_below(4);
    int style = (int)random_below(4);
    buffer_clear(&text);
    random_header(&text, &dialect, columns, style);
    if (good)
      put_good_text(&text, &dialect, columns, style);
    else
      put_garbage(&text, &dialect);
    if (check_text((Text){text.data, text.len}, &dialect, true, &records, &found))
      write_case(file, (Text){text.data, text.len}, good, &found, &records);
  }
  buffer_free(&text);
  buffer_free(&records);
  return fclose(file) == 0 ? 0 : 1;
}

// Files

static Buffer load_file(const char *path) {
  Buffer text = {0};
  FILE *file = fopen(path, "rb");
  if (!file)
    check_fail("cannot be opened");
  size_t got;
  do {
    buffer_reserve(&text, 65536);
    got = fread(text.data + text.len, 1, 65536, file);
    text.len += got;
  } while (got > 0);
  fclose(file);
  return text;
}

static int same_files(int count, char **paths) {
  for (int i = 0; i < count; i++) {
    snprintf(check_what, sizeof check_what, "%s", paths[i]);
    Buffer text = load_file(paths[i]), records = {0};
    Dialect dialect = dialect_default(), found;
    check_text((Text){text.data, text.len}, &dialect, text.len < 2000, &records, &found);
    buffer_free(&text);
    buffer_free(&records);
  }
  return 0;
}

static int dump_file(const char *path, size_t target) {
  snprintf(check_what, sizeof check_what, "%s", path);
  Buffer text = load_file(path), records = {0};
  Dialect dialect = dialect_default(), found;
  read_through_source((Text){text.data, text.len}, &dialect, target, target, &records, &found);
  fwrite(records.data, 1, records.len, stdout);
  buffer_free(&text);
  buffer_free(&records);
  return 0;
}

static void set_delimiter(Dialect *dialect, const char *value) {
  dialect->delimiter = *value;
  dialect->delimiter_length = strlen(value);
  if (dialect->delimiter_length > MAX_DELIMITER)
    check_fail("the delimiter is too long");
  memcpy(dialect->longer_delimiter, value, dialect->delimiter_length);
}

static void set_quote(Dialect *dialect, const char *value) {
  dialect->unquoted = !*value;
  dialect->quote = *value ? *value : '"';
}

static void set_comment(Dialect *dialect, const char *value) {
  dialect->comment_length = strlen(value);
  if (dialect->comment_length > MAX_COMMENT)
    check_fail("the comment is too long");
  memcpy(dialect->comment, value, dialect->comment_length);
}

static void set_text_format(Dialect *dialect) {
  dialect->text_format = dialect->unquoted = true;
  dialect->delimiter = '\t';
  dialect->escape = '\\';
}

// The names of the Lua options; choices by a word.
static void set_option(Dialect *dialect, const char *name, const char *value) {
  uint32_t number = (uint32_t)strtoul(value, NULL, 10);
  bool yes = strcmp(value, "true") == 0 || strcmp(value, "repair") == 0;
  if (strcmp(name, "delimiter") == 0)
    set_delimiter(dialect, value);
  else if (strcmp(name, "quote") == 0)
    set_quote(dialect, value);
  else if (strcmp(name, "escape") == 0)
    dialect->escape = *value;
  else if (strcmp(name, "comment") == 0)
    set_comment(dialect, value);
  else if (strcmp(name, "skip_blanks") == 0)
    dialect->skip_blanks = yes;
  else if (strcmp(name, "blank_lines") == 0)
    dialect->keep_blank_lines = strcmp(value, "keep") == 0;
  else if (strcmp(name, "skip") == 0)
    dialect->skip = number;
  else if (strcmp(name, "footer") == 0)
    dialect->footer = number;
  else if (strcmp(name, "header") == 0)
    dialect->header_lines = number, dialect->headerless = number == 0;
  else if (strcmp(name, "header_names") == 0)
    dialect->repair_names = yes;
  else if (strcmp(name, "stray_quote") == 0)
    dialect->repair_quotes = yes;
  else if (strcmp(name, "repeated_header") == 0)
    dialect->repeated_header = *value == 's' ? HEADER_SKIP : HEADER_LOAD;
  else if (strcmp(name, "too_few") == 0)
    dialect->too_few = *value == 'p' ? FEW_PAD : FEW_STOP;
  else if (strcmp(name, "too_many") == 0)
    dialect->too_many = *value == 'c' ? MANY_CUT : *value == 'e' ? MANY_EXTRA : MANY_STOP;
  else if (strcmp(name, "second_table") == 0)
    dialect->end_at_second_table = true;
  else if (strcmp(name, "blanks_after_quote") == 0)
    dialect->blanks_after_quote = strcmp(value, "skip") == 0;
  else if (strcmp(name, "trailing_delimiter") == 0)
    dialect->trailing_delimiter = strcmp(value, "skip") == 0;
  else if (strcmp(name, "format") == 0)
    set_text_format(dialect);
  else if (strcmp(name, "max_record") == 0)
    dialect->max_record = number;
  else if (strcmp(name, "max_record_lines") == 0)
    dialect->max_record_lines = number;
  else if (strcmp(name, "max_field") == 0)
    dialect->max_field = number;
  else
    check_fail(name);
}

static int every_way(const char *path, int count, char **options) {
  snprintf(check_what, sizeof check_what, "%s", "file");
  Buffer text = load_file(path), records = {0}, got = {0};
  Dialect dialect = dialect_default(), found;
  for (int i = 0; i < count; i++) {
    char *value = strchr(options[i], '=');
    if (!value)
      check_fail("OPTION=VALUE expected");
    *value = 0;
    set_option(&dialect, options[i], value + 1);
  }
  if (dialect.escape == dialect.quote)
    dialect.escape = 0;
  Text whole = {text.data, text.len};
  read_through_source(whole, &dialect, 1 << 20, 1 << 20, &records, &found);
  for (size_t target = 1; target <= text.len + 1; target += 1 + target / 8)
    for (size_t step = 1; step <= 4; step += 3) {
      read_through_source(whole, &dialect, target, step, &got, &found);
      expect_equal(&records, &got, "another chunk size gives other records");
    }
  if (records.len > 0)
    fwrite(records.data, 1, records.len, stdout);
  buffer_free(&text);
  buffer_free(&records);
  buffer_free(&got);
  return 0;
}

static double cpu_seconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int time_file(const char *path, size_t target) {
  Error error;
  Dialect dialect = dialect_default();
  double begin = cpu_seconds();
  Input *input = input_open(&(InputName){.path = path}, &error);
  Source *source = input ? source_open(input, path, &dialect, &error) : NULL;
  if (!source) {
    fprintf(stderr, "%s\n", error.message);
    return 1;
  }
  Reader *reader = reader_new(source_dialect(source));
  Chunk chunk = {0};
  Batch batch = {0};
  size_t records = 0, bad = 0;
  while (source_read(source, reader, target, &chunk, &batch, &error) == SOURCE_CHUNK) {
    records += batch.record_count;
    for (size_t i = 0; i < batch.record_count; i++)
      bad += batch.records[i].error != RECORD_OK;
  }
  double seconds = cpu_seconds() - begin;
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("%zu records, %zu bad, %.3f s, %.0f MB/s, peak %ld kB\n", records, bad, seconds,
         (double)source_totals(source).bytes / 1e6 / seconds, usage.ru_maxrss);
  source_close(source);
  reader_free(reader);
  buffer_free(&chunk.bytes);
  batch_free(&batch);
  return 0;
}

int main(int argc, char **argv) {
  const char *command = argc > 2 ? argv[1] : "";
  size_t target = argc > 3 ? strtoul(argv[3], NULL, 10) : 256 * 1024;
  if (strcmp(command, "same") == 0)
    return same_files(argc - 2, argv + 2);
  if (strcmp(command, "every") == 0)
    return every_way(argv[2], argc - 3, argv + 3);
  if (strcmp(command, "random") == 0 && argc == 5)
    return random_cases(strtoull(argv[2], NULL, 10), strtoul(argv[3], NULL, 10), argv[4]);
  if (strcmp(command, "dump") == 0)
    return dump_file(argv[2], target);
  if (strcmp(command, "time") == 0)
    return time_file(argv[2], target);
  fprintf(stderr, "usage: csv_driver dump|same|every|random|time ...\n");
  return 2;
}
