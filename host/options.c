// Parsing of the command line: options end at the first word that is not an option, or at "--".
#define _POSIX_C_SOURCE 200809L
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"

static void complain(Options *options, const char *format, const char *word) {
  if (options->problem[0] == 0)
    snprintf(options->problem, sizeof options->problem, format, word);
}

static void hide(char *text) {
  memset(text, '*', strlen(text));
}

static void take_dsn(Options *options, char *value) {
  free(options->dsn);
  options->dsn = strdup(value);
  hide(value);
}

static void take_log_format(Options *options, char *value) {
  options->log_format = value;
  if (strcmp(value, "text") != 0 && strcmp(value, "json") != 0)
    complain(options, "log format must be text or json, not '%s'", value);
}

static void take_color(Options *options, char *value) {
  options->color = value;
  if (strcmp(value, "auto") != 0 && strcmp(value, "always") != 0 && strcmp(value, "never") != 0)
    complain(options, "color must be auto, always or never, not '%s'", value);
}

static void take_chunk(Options *options, char *value) {
  options->chunks[options->chunk_count++] = value;
}

static void take_interactive(Options *options, char *value) {
  (void)value;
  options->interactive = true;
}

static void take_quiet(Options *options, char *value) {
  (void)value;
  options->quiet = true;
}

static void take_version(Options *options, char *value) {
  (void)value;
  options->version = true;
}

static void take_help(Options *options, char *value) {
  (void)value;
  options->help = true;
}

typedef struct OptionRow {
  OptionText text;
  void (*take)(Options *options, char *value); // value: NULL where text.value is
} OptionRow;

static const OptionRow rows[] = {
    {{"-e", NULL, "CHUNK", "Run the Lua CHUNK and print what an expression gives; repeatable.",
      false},
     take_chunk},
    {{"-i", NULL, NULL, "The prompt after the script.", false}, take_interactive},
    {{NULL, "--dsn", "DSN", "The database: a conninfo string or URL.", true}, take_dsn},
    {{NULL, "--log-format", "text|json", "How the log is written to standard error.", true},
     take_log_format},
    {{NULL, "--color", "auto|always|never", "Colors; auto: on a terminal, unless NO_COLOR is set.",
      true},
     take_color},
    {{"-q", "--quiet", NULL, "No progress and no log, only warnings and errors.", true},
     take_quiet},
    {{"-v", "--version", NULL, "Versions of pghost, Lua, the libraries and the server.", false},
     take_version},
    {{"-h", "--help", NULL, "This text.", false}, take_help},
};

enum { ROWS = sizeof rows / sizeof *rows };

size_t options_texts(const OptionText *texts[OPTIONS_MOST]) {
  _Static_assert((size_t)ROWS <= (size_t)OPTIONS_MOST, "more options than OPTIONS_MOST");
  for (size_t i = 0; i < ROWS; i++)
    texts[i] = &rows[i].text;
  return ROWS;
}

static bool is_long(const char *word, const char *name) {
  size_t length = name ? strlen(name) : 0;
  return name && strncmp(word, name, length) == 0 && (word[length] == 0 || word[length] == '=');
}

// "-e CHUNK" may be one word, as "-eCHUNK".
static bool is_short(const char *word, const OptionText *text) {
  const char *name = text->short_name;
  return name && strncmp(word, name, 2) == 0 && (word[2] == 0 || text->value);
}

static const OptionRow *find_row(const char *word) {
  for (size_t i = 0; i < ROWS; i++)
    if (is_long(word, rows[i].text.long_name) || is_short(word, &rows[i].text))
      return &rows[i];
  return NULL;
}

// The value of an option: within its word, or the next word. NULL and a problem when there is none.
static char *value_of(Options *options, const OptionText *text, int argc, char **argv, int *at) {
  bool is_long_name = is_long(argv[*at], text->long_name);
  char *within = argv[*at] + (is_long_name ? strlen(text->long_name) : 2);
  if (*within)
    return within + (is_long_name ? 1 : 0);
  if (*at + 1 < argc)
    return argv[++*at];
  complain(options, "option '%s' needs a value", argv[*at]);
  return NULL;
}

static void complain_unknown(Options *options, const char *word) {
  const char *names[ROWS];
  size_t count = 0;
  for (size_t i = 0; i < ROWS; i++)
    if (rows[i].text.long_name)
      names[count++] = rows[i].text.long_name;
  const char *meant = nearest_word(word, names, count);
  char hint[64] = "";
  if (meant)
    snprintf(hint, sizeof hint, ": did you mean '%s'?", meant);
  if (options->problem[0] == 0)
    snprintf(options->problem, sizeof options->problem, "unknown option '%.100s'%s%s", word, hint,
             meant ? "" : " (see pghost --help)");
}

static void parse_option(Options *options, int argc, char **argv, int *at) {
  const OptionRow *row = find_row(argv[*at]);
  if (!row) {
    complain_unknown(options, argv[*at]);
  } else if (row->text.value) {
    char *value = value_of(options, &row->text, argc, argv, at);
    if (value)
      row->take(options, value);
  } else if (strchr(argv[*at], '=')) {
    complain(options, "option '%s' takes no value", row->text.long_name);
  } else {
    row->take(options, NULL);
  }
}

static bool is_late(const char *word) {
  const OptionRow *row = find_row(word);
  return row && row->text.late;
}

// Whether the word after a command starts another program's words.
static bool hands_on(const char *command, const char *word) {
  return strcmp(command, "server") == 0 && strcmp(word, "psql") == 0;
}

void options_take_late(Options *options, int *argc, char **argv) {
  int kept = options->script + 1, at = kept;
  const char *command = argv[options->script];
  for (; at < *argc && strcmp(argv[at], "--") != 0 && !hands_on(command, argv[at]); at++) {
    if (is_late(argv[at]))
      parse_option(options, *argc, argv, &at);
    else
      argv[kept++] = argv[at];
  }
  while (at < *argc)
    argv[kept++] = argv[at++];
  *argc = kept;
}

static bool names_secret(const char *word) {
  static const char *const parts[] = {"dsn", "pass", "secret", "token", "pwd"};
  if (strncmp(word, "--", 2) != 0)
    return false;
  size_t length = strcspn(word, "=");
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    const char *found = strstr(word, parts[i]);
    if (found && (size_t)(found - word) < length)
      return true;
  }
  return false;
}

void options_hide_secrets(const Options *options, int argc, char **argv) {
  for (int at = options->script + 1; options->script && at < argc; at++) {
    if (!names_secret(argv[at]))
      continue;
    char *value = strchr(argv[at], '=');
    if (value)
      hide(value + 1);
    else if (at + 1 < argc)
      hide(argv[++at]);
  }
}

void options_parse(Options *options, int argc, char **argv) {
  *options = (Options){.log_format = "text", .color = "auto"};
  options->chunks = calloc((size_t)argc + 1, sizeof *options->chunks);
  if (!options->chunks) {
    complain(options, "out of memory%s", "");
    return;
  }
  int at = 1;
  while (at < argc && argv[at][0] == '-' && argv[at][1] != 0) {
    if (strcmp(argv[at], "--") == 0) {
      at++;
      break;
    }
    parse_option(options, argc, argv, &at);
    at++;
  }
  options->script = at < argc ? at : 0;
}

void options_free(Options *options) {
  free(options->dsn);
  free(options->chunks);
}
