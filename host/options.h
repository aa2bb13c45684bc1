// The command line of pghost. Parses and stores it; runs nothing.
#ifndef PGHOST_HOST_OPTIONS_H
#define PGHOST_HOST_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct Options {
  char *dsn;              // NULL: not given; a copy, because argv is overwritten
  const char *log_format; // "text" or "json"
  const char *color;      // "auto", "always" or "never"
  bool quiet;
  bool interactive;
  bool help;
  bool version;
  char **chunks; // of -e, in order
  int chunk_count;
  int script;        // index in argv of the script, "-" or subcommand; 0: none
  char problem[256]; // what is wrong with the command line; "" when nothing is
} Options;

// Parses argv. Always fills `options`; problem says what is wrong. Overwrites the value of --dsn
// in argv itself, so that a password in it does not stay visible in `ps`.
void options_parse(Options *options, int argc, char **argv);

// Takes what belongs to pghost (an option that is `late`) out of the words after a
// subcommand, up to "--". The rest stays, in its order; *argc is what is left.
void options_take_late(Options *options, int *argc, char **argv);

// Overwrites in argv, after the script, the values of options whose names say that they are secret
// (--dsn, --smtp-pass), for the sake of `ps`.
void options_hide_secrets(const Options *options, int argc, char **argv);

void options_free(Options *options);

// An option, for help and completion. `value`: the name of its value, NULL for a flag; "a|b" lists
// all possible values. `late`: may also be given after a subcommand.
typedef struct OptionText {
  const char *short_name, *long_name, *value, *help;
  bool late;
} OptionText;

enum { OPTIONS_MOST = 16 };

// All options in the order in which they are shown; returns how many.
size_t options_texts(const OptionText *texts[OPTIONS_MOST]);

#endif
