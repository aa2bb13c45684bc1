// The line editor (libedit), its history file, and reading without a terminal.
#define _GNU_SOURCE // asprintf, ppoll
#include "line_editor.h"

#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#include <lauxlib.h>

#include "base/interrupt.h"
#include "leave.h"
#include "painter.h"

#define HISTORY_SIZE 1000
#define PASTE_BEGINS "\033[200~" // of terminals that bracket what is pasted
#define PASTE_ENDS "\033[201~"
#define QUOTED_INSERT '\026' // ^V: the editor takes the next character as it is
#define ESCAPE_MS 25         // within that the rest of a key's sequence follows

struct LineReader {
  EditLine *editor; // NULL: stdin is not a terminal
  History *history;
  lua_State *L;
  int complete; // reference of the function that completes
  int paint;    // of the one that gives colors; LUA_NOREF: none
  const char *prompt;
  char *plain; // line buffer of getline
  size_t plain_size;
  char *typed; // bytes that were read and not yet given to the editor
  size_t typed_size, typed_length, typed_at;
};

static LineReader *current; // open now; NULL: none

static bool keep_typed(LineReader *reader, char byte) {
  if (reader->typed_length == reader->typed_size) {
    size_t size = reader->typed_size ? reader->typed_size * 2 : 256;
    char *bigger = realloc(reader->typed, size);
    if (!bigger)
      return false;
    reader->typed = bigger;
    reader->typed_size = size;
  }
  reader->typed[reader->typed_length++] = byte;
  return true;
}

// Waits for input; -1 with EINTR after a signal. Signals are let in only while it sleeps: one that
// came between the look at the flag and the sleep would be noticed at the next key.
static int wait_for_input(int wait_ms) {
  struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
  struct timespec limit = {.tv_nsec = wait_ms * 1000000L};
  sigset_t ours, before;
  sigemptyset(&ours);
  sigaddset(&ours, SIGINT);
  sigaddset(&ours, SIGTERM);
  sigaddset(&ours, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &ours, &before);
  int ready = -1;
  int error = EINTR;
  if (interrupt_signal == 0) {
    ready = ppoll(&in, 1, wait_ms < 0 ? NULL : &limit, &before);
    error = errno;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  errno = error;
  return ready;
}

// Waits for a byte: 1, 0 at the end of input or after `wait_ms` (less than a second), -1 with EINTR
// after a signal.
static int read_byte(char *byte, int wait_ms) {
  for (;;) {
    if (interrupt_signal != 0) {
      errno = EINTR;
      return -1;
    }
    int ready = wait_for_input(wait_ms);
    if (ready == 0)
      return 0;
    if (ready < 0)
      continue;
    ssize_t got = read(STDIN_FILENO, byte, 1);
    if (got < 0 && errno == EINTR)
      continue;
    return (int)got;
  }
}

// Pasted input goes to the editor as text: a tab does not complete, a control character is not a
// key.
static void read_paste(LineReader *reader) {
  size_t matched = 0;
  char byte;
  while (matched < sizeof PASTE_ENDS - 1 && read_byte(&byte, -1) == 1) {
    if (byte == PASTE_ENDS[matched]) {
      matched++;
      continue;
    }
    matched = byte == PASTE_ENDS[0];
    if (matched)
      continue;
    if (byte == '\r')
      byte = '\n';
    if ((unsigned char)byte < ' ' && byte != '\n' && !keep_typed(reader, QUOTED_INSERT))
      return;
    if (byte != 0 && !keep_typed(reader, byte))
      return;
  }
}

// After an escape: reads the rest of the sequence, and the whole paste if it starts one.
static void read_sequence(LineReader *reader) {
  char sequence[sizeof PASTE_BEGINS] = {PASTE_BEGINS[0]};
  size_t length = 1;
  while (length < sizeof PASTE_BEGINS - 1 && memcmp(sequence, PASTE_BEGINS, length) == 0 &&
         read_byte(&sequence[length], ESCAPE_MS) == 1)
    length++;
  if (memcmp(sequence, PASTE_BEGINS, sizeof PASTE_BEGINS - 1) == 0) {
    read_paste(reader);
    return;
  }
  for (size_t i = 0; i < length; i++)
    keep_typed(reader, sequence[i]);
}

static void forget_typed(LineReader *reader) {
  reader->typed_at = reader->typed_length = 0;
}

static int next_byte(LineReader *reader, char *byte) {
  for (;;) {
    if (reader->typed_at < reader->typed_length) {
      *byte = reader->typed[reader->typed_at++];
      return 1;
    }
    forget_typed(reader);
    int got = read_byte(byte, -1);
    if (got != 1 || *byte != PASTE_BEGINS[0])
      return got;
    read_sequence(reader);
  }
}

// paint(line) -> the line with colors.
static void paint_line(LineReader *reader) {
  struct winsize size;
  struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
  if (reader->paint == LUA_NOREF || reader->typed_at < reader->typed_length ||
      poll(&in, 1, 0) != 0 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
    return;
  const LineInfo *line = el_line(reader->editor);
  PaintedLine painted = {.prompt = reader->prompt,
                         .text = line->buffer,
                         .length = (size_t)(line->lastchar - line->buffer),
                         .cursor = (size_t)(line->cursor - line->buffer)};
  if (painted.length == 0)
    return;
  int top = lua_gettop(reader->L);
  lua_rawgeti(reader->L, LUA_REGISTRYINDEX, reader->paint);
  lua_pushlstring(reader->L, painted.text, painted.length);
  if (lua_pcall(reader->L, 1, 1, 0) == LUA_OK && lua_isstring(reader->L, -1)) {
    painted.painted = lua_tostring(reader->L, -1);
    painter_write(&painted, size.ws_col, size.ws_row);
  }
  lua_settop(reader->L, top);
}

// One character for libedit. A signal ends the line: -1 with EINTR.
static int read_character(EditLine *editor, wchar_t *character) {
  LineReader *reader = NULL;
  mbstate_t state = {0};
  el_get(editor, EL_CLIENTDATA, &reader);
  paint_line(reader);
  for (;;) {
    char byte;
    int got = next_byte(reader, &byte);
    if (got != 1)
      return got;
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
  LineReader *reader = NULL;
  el_get(editor, EL_CLIENTDATA, &reader);
  return (char *)(uintptr_t)reader->prompt;
}

// complete(line before the cursor, after it) -> text to insert, text to show below the line.
static unsigned char on_tab(EditLine *editor, int key) {
  (void)key;
  LineReader *reader = NULL;
  el_get(editor, EL_CLIENTDATA, &reader);
  lua_State *L = reader->L;
  const LineInfo *line = el_line(editor);
  int top = lua_gettop(L);
  unsigned char result = CC_REFRESH_BEEP;
  lua_rawgeti(L, LUA_REGISTRYINDEX, reader->complete);
  lua_pushlstring(L, line->buffer, (size_t)(line->cursor - line->buffer));
  lua_pushlstring(L, line->cursor, (size_t)(line->lastchar - line->cursor));
  if (lua_pcall(L, 2, 2, 0) == LUA_OK) {
    const char *inserted = lua_tostring(L, -2);
    const char *shown = lua_tostring(L, -1);
    if (inserted && inserted[0] && el_insertstr(editor, inserted) == 0)
      result = CC_REFRESH;
    if (shown) {
      printf("\n%s", shown);
      fflush(stdout);
      result = CC_REDISPLAY;
    }
  }
  lua_settop(L, top);
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

static void load_history(History *lines) {
  HistEvent event;
  char *path = history_path();
  if (path)
    history(lines, &event, H_LOAD, path);
  free(path);
}

static bool write_history(History *lines, const char *path) {
  HistEvent event;
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
  if (!file) {
    if (fd >= 0)
      close(fd);
    return false;
  }
  bool good = history(lines, &event, H_SAVE_FP, file) >= 0;
  good = fflush(file) == 0 && !ferror(file) && fsync(fd) == 0 && good;
  return fclose(file) == 0 && good;
}

// Aside, then renamed: a full disk leaves the history as it was. Not where it is a link or a
// device.
static void save_history(History *lines) {
  HistEvent event;
  struct stat there;
  char *path = history_path();
  char *aside = NULL;
  if (!path || asprintf(&aside, "%s.%d.tmp", path, (int)getpid()) < 0) {
    free(path);
    return;
  }
  if (lstat(path, &there) == 0 && !S_ISREG(there.st_mode)) {
    mode_t before = umask(077);
    history(lines, &event, H_SAVE, path);
    umask(before);
  } else {
    unlink(aside);
    if (!write_history(lines, aside) || rename(aside, path) != 0)
      unlink(aside);
  }
  free(aside);
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
  load_history(reader->history);
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

// os.exit does not return to the REPL.
static void close_at_exit(void) {
  line_close(current);
}

LineReader *line_open(lua_State *L, int complete, int paint) {
  LineReader *reader = calloc(1, sizeof *reader);
  if (!reader)
    return NULL;
  if (!current)
    leave_after(close_at_exit);
  current = reader;
  reader->L = L;
  reader->complete = complete;
  reader->paint = paint;
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

// Whether the terminal marks pasted input. Off while a program that does not expect it runs.
static void mark_pastes(bool on) {
  const char *name = getenv("TERM");
  if (name && strcmp(name, "dumb") != 0)
    fputs(on ? "\033[?2004h" : "\033[?2004l", stdout);
}

LineResult line_read(LineReader *reader, const char *prompt_text, const char **text) {
  int count = 0;
  if (!reader->editor)
    return read_plain(reader, text);
  reader->prompt = prompt_text;
  mark_pastes(true);
  *text = el_gets(reader->editor, &count);
  mark_pastes(false);
  if (interrupt_signal != 0) {
    forget_typed(reader);
    el_reset(reader->editor);
    putchar('\n');
    return LINE_INTERRUPTED;
  }
  if (*text && count > 0)
    return LINE_READ;
  putchar('\n');
  return LINE_END;
}

void line_remember(LineReader *reader, const char *chunk) {
  HistEvent event;
  if (reader->history)
    history(reader->history, &event, H_ENTER, chunk);
}

void line_close(LineReader *reader) {
  if (!reader)
    return;
  current = NULL;
  if (reader->history) {
    save_history(reader->history);
    history_end(reader->history);
  }
  if (reader->editor)
    el_end(reader->editor);
  free(reader->plain);
  free(reader->typed);
  free(reader);
}
