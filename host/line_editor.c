// The line editor (libedit), its history file, and reading without a terminal.
#define _GNU_SOURCE // strcasestr, asprintf
#include "line_editor.h"

#include <errno.h>
#include <histedit.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#include "base/interrupt.h"
#include "completion.h"

#define HISTORY_SIZE 1000

struct LineReader {
  EditLine *editor; // NULL: stdin is not a terminal
  History *history;
  lua_State *L;
  char *plain; // line buffer of getline
  size_t plain_size;
  bool continues;
};

static LineReader *current; // open now; NULL: none

// One character for libedit. A signal ends the line: -1 with EINTR.
static int read_character(EditLine *editor, wchar_t *character) {
  (void)editor;
  mbstate_t state = {0};
  struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
  for (;;) {
    char byte;
    if (interrupt_signal != 0) {
      errno = EINTR;
      return -1;
    }
    if (poll(&in, 1, -1) < 0)
      continue;
    ssize_t got = read(STDIN_FILENO, &byte, 1);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return (int)got;
    if (byte == 0) // a Ctrl-D from before the terminal was in the editor's mode
      continue;
    size_t used = mbrtowc(character, &byte, 1, &state);
    if (used == (size_t)-2)
      continue;
    if (used == (size_t)-1)
      *character = L'?';
    return 1;
  }
}

static char *prompt(EditLine *editor) {
  static char first[] = "> ", next[] = ">> ";
  LineReader *reader = NULL;
  el_get(editor, EL_CLIENTDATA, &reader);
  return reader->continues ? next : first;
}

// Bytes that all the names (each ended by a newline) begin with.
static size_t common_length(const char *names) {
  size_t common = strcspn(names, "\n");
  for (const char *name = names; *name; name += strcspn(name, "\n") + 1) {
    size_t same = 0;
    while (same < common && name[same] == names[same])
      same++;
    common = same;
  }
  return common;
}

static bool insert(EditLine *editor, const char *text, size_t length) {
  char copy[256];
  if (length == 0 || length >= sizeof copy)
    return false;
  memcpy(copy, text, length);
  copy[length] = 0;
  return el_insertstr(editor, copy) == 0;
}

static void list(const char *names) {
  size_t column = 0;
  putchar('\n');
  for (const char *name = names; *name; name += strcspn(name, "\n") + 1) {
    int length = (int)strcspn(name, "\n");
    column += (size_t)length / 20 * 20 + 20;
    if (column > 80) {
      putchar('\n');
      column = (size_t)length / 20 * 20 + 20;
    }
    printf("%-*.*s", length / 20 * 20 + 20, length, name);
  }
  putchar('\n');
  fflush(stdout);
}

static unsigned char on_tab(EditLine *editor, int key) {
  (void)key;
  LineReader *reader = NULL;
  el_get(editor, EL_CLIENTDATA, &reader);
  const LineInfo *line = el_line(editor);
  size_t length = (size_t)(line->cursor - line->buffer);
  if (strspn(line->buffer, " \t") >= length)
    return insert(editor, "  ", 2) ? CC_REFRESH : CC_ERROR;
  size_t typed = 0;
  char *names = complete_names(reader->L, line->buffer, length, &typed);
  if (!names)
    return CC_REFRESH_BEEP;
  unsigned char result = CC_REFRESH;
  if (!insert(editor, names + typed, common_length(names) - typed) &&
      names[strcspn(names, "\n") + 1]) {
    list(names);
    result = CC_REDISPLAY;
  }
  free(names);
  return result;
}

// Where the history is kept (XDG base directory specification); makes its folder. NULL: nowhere.
static char *history_path(void) {
  const char *state = getenv("XDG_STATE_HOME");
  const char *home = getenv("HOME");
  char *path = NULL;
  int length;
  if (state && state[0] == '/')
    length = asprintf(&path, "%s/pghost/history", state);
  else if (home && home[0] == '/')
    length = asprintf(&path, "%s/.local/state/pghost/history", home);
  else
    return NULL;
  if (length < 0)
    return NULL;
  for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    mkdir(path, 0700);
    *slash = '/';
  }
  return path;
}

static void use_history(History *history_list, int operation) {
  HistEvent event;
  char *path = history_path();
  if (!path)
    return;
  mode_t before = umask(077);
  history(history_list, &event, operation, path);
  umask(before);
  free(path);
}

// $EDITRC or ~/.editrc, as libedit's own search, which without HOME takes ./.editrc: keys can be
// bound there to whole commands, and the current folder is not the user's to trust.
static void source_settings(EditLine *editor) {
  const char *path = getenv("EDITRC");
  const char *home = getenv("HOME");
  char *made = NULL;
  if (!path && home && home[0] == '/') {
    if (asprintf(&made, "%s/.editrc", home) < 0)
      made = NULL;
    path = made;
  }
  if (path && path[0] == '/')
    el_source(editor, path);
  free(made);
}

static void open_editor(LineReader *reader) {
  HistEvent event;
  reader->editor = el_init("pghost", stdin, stdout, stderr);
  reader->history = history_init();
  if (!reader->editor || !reader->history)
    return;
  history(reader->history, &event, H_SETSIZE, HISTORY_SIZE);
  history(reader->history, &event, H_SETUNIQUE, 1);
  use_history(reader->history, H_LOAD);
  el_set(reader->editor, EL_CLIENTDATA, reader);
  el_set(reader->editor, EL_EDITOR, "emacs");
  el_set(reader->editor, EL_SIGNAL, 1);
  el_set(reader->editor, EL_PROMPT, prompt);
  el_set(reader->editor, EL_GETCFN, read_character);
  el_set(reader->editor, EL_HIST, history, reader->history);
  el_wset(reader->editor, EL_ADDFN, L"pghost-complete", L"complete a name", on_tab);
  el_set(reader->editor, EL_BIND, "^I", "pghost-complete", NULL);
  el_set(reader->editor, EL_BIND, "^R", "em-inc-search-prev", NULL);
  source_settings(reader->editor);
}

// os.exit leaves without coming back to the REPL.
static void close_at_exit(void) {
  line_close(current);
}

LineReader *line_open(lua_State *L) {
  LineReader *reader = calloc(1, sizeof *reader);
  if (!reader)
    return NULL;
  if (!current)
    atexit(close_at_exit);
  current = reader;
  reader->L = L;
  if (isatty(STDIN_FILENO))
    open_editor(reader);
  return reader;
}

static LineResult read_plain(LineReader *reader, const char **text) {
  ssize_t got = getline(&reader->plain, &reader->plain_size, stdin);
  if (interrupt_signal != 0) {
    clearerr(stdin);
    return LINE_INTERRUPTED;
  }
  *text = reader->plain;
  return got > 0 ? LINE_READ : LINE_END;
}

LineResult line_read(LineReader *reader, bool continues, const char **text) {
  int count = 0;
  if (!reader->editor)
    return read_plain(reader, text);
  reader->continues = continues;
  *text = el_gets(reader->editor, &count);
  if (interrupt_signal != 0) {
    el_reset(reader->editor);
    putchar('\n');
    return LINE_INTERRUPTED;
  }
  if (*text && count > 0)
    return LINE_READ;
  putchar('\n');
  return LINE_END;
}

// "password = ...", "postgres://name:secret@host".
static bool may_hold_password(const char *chunk) {
  const char *url = strstr(chunk, "://");
  const char *at = url ? strchr(url, '@') : NULL;
  const char *colon = url ? strchr(url + 3, ':') : NULL;
  return strcasestr(chunk, "password") || (at && colon && colon < at);
}

void line_remember(LineReader *reader, const char *chunk) {
  HistEvent event;
  if (reader->history && chunk[strspn(chunk, " \t\r\n")] && !may_hold_password(chunk))
    history(reader->history, &event, H_ENTER, chunk);
}

void line_close(LineReader *reader) {
  if (!reader)
    return;
  current = NULL;
  if (reader->history) {
    use_history(reader->history, H_SAVE);
    history_end(reader->history);
  }
  if (reader->editor)
    el_end(reader->editor);
  free(reader->plain);
  free(reader);
}
