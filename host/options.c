// Parsing of the command line: options end at the first word that is none, or at "--".
#define _POSIX_C_SOURCE 200809L
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"

const char options_help[] =
    "usage: pghost [options] SCRIPT [ARG...]    run a script\n"
    "       pghost [options] COMMAND [ARG...]   run a command: pghost server status\n"
    "       pghost [options]                    REPL on a terminal, else a script from stdin\n"
    "options:\n"
    "  -e CHUNK           run CHUNK; may be given more than once\n"
    "  -i                 REPL after the script\n"
    "  -                  script from stdin\n"
    "  --dsn DSN          the database: a conninfo string or URL (see also DATABASE_URL)\n"
    "  --log-format KIND  text or json\n"
    "  -q, --quiet        no progress and no log, only warnings and errors\n"
    "                     (--dsn, --log-format and -q may also stand after a COMMAND)\n"
    "  -v, --version      versions of pghost and Lua\n"
    "  -h, --help         this text\n"
    "exit codes: 0 done, 1 script or data error, 2 usage, 3 database unreachable or lost,\n"
    "            4 a check or an error budget failed, 130/143 interrupted\n";

static void complain(Options *options, const char *format, const char *word) {
  if (options->problem[0] == 0)
    snprintf(options->problem, sizeof options->problem, format, word);
}

// The value of an option: after '=', or the next word. NULL and a problem when there is none.
static char *value_of(Options *options, int argc, char **argv, int *at, size_t name_length) {
  char *word = argv[*at];
  if (word[name_length] == '=')
    return word + name_length + 1;
  if (*at + 1 < argc)
    return argv[++*at];
  complain(options, "option '%s' needs a value", word);
  return NULL;
}

static bool is_option(const char *word, const char *name) {
  size_t length = strlen(name);
  return strncmp(word, name, length) == 0 && (word[length] == 0 || word[length] == '=');
}

static void hide(char *text) {
  memset(text, '*', strlen(text));
}

static void take_dsn(Options *options, char *value) {
  if (!value)
    return;
  free(options->dsn);
  options->dsn = strdup(value);
  hide(value);
}

static void take_log_format(Options *options, const char *value) {
  if (!value)
    return;
  options->log_format = value;
  if (strcmp(value, "text") != 0 && strcmp(value, "json") != 0)
    complain(options, "log format must be text or json, not '%s'", value);
}

static void take_chunk(Options *options, char *attached, int argc, char **argv, int *at) {
  if (*attached)
    options->chunks[options->chunk_count++] = attached;
  else if (*at + 1 < argc)
    options->chunks[options->chunk_count++] = argv[++*at];
  else
    complain(options, "option '%s' needs a value", "-e");
}

static void complain_unknown(Options *options, const char *word) {
  static const char *const known[] = {"--dsn", "--log-format", "--quiet", "--version", "--help"};
  const char *meant = nearest_word(word, known, sizeof known / sizeof *known);
  char hint[64] = "";
  if (meant)
    snprintf(hint, sizeof hint, ": did you mean '%s'?", meant);
  if (options->problem[0] == 0)
    snprintf(options->problem, sizeof options->problem, "unknown option '%.100s'%s%s", word, hint,
             meant ? "" : " (see pghost --help)");
}

static void parse_option(Options *options, int argc, char **argv, int *at) {
  char *word = argv[*at];
  if (is_option(word, "--dsn"))
    take_dsn(options, value_of(options, argc, argv, at, strlen("--dsn")));
  else if (is_option(word, "--log-format"))
    take_log_format(options, value_of(options, argc, argv, at, strlen("--log-format")));
  else if (strcmp(word, "-q") == 0 || strcmp(word, "--quiet") == 0)
    options->quiet = true;
  else if (strcmp(word, "-i") == 0)
    options->interactive = true;
  else if (strcmp(word, "-v") == 0 || strcmp(word, "--version") == 0)
    options->version = true;
  else if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0)
    options->help = true;
  else if (strncmp(word, "-e", 2) == 0)
    take_chunk(options, word + 2, argc, argv, at);
  else
    complain_unknown(options, word);
}

static bool is_late(const char *word) {
  return strcmp(word, "-q") == 0 || strcmp(word, "--quiet") == 0 || is_option(word, "--dsn") ||
         is_option(word, "--log-format");
}

void options_take_late(Options *options, int *argc, char **argv) {
  int kept = options->script + 1, at = kept;
  for (; at < *argc && strcmp(argv[at], "--") != 0; at++) {
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
  *options = (Options){.log_format = "text"};
  options->chunks = calloc((size_t)argc + 1, sizeof *options->chunks);
  if (!options->chunks) {
    complain(options, "not enough memory%s", "");
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
