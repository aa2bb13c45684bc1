// Forking, dropping privileges, running programs and keeping the end of their output.
#define _GNU_SOURCE // pipe2, setgroups, close_range
#include "child.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/interrupt.h"

bool server_out_of_memory(Error *error) {
  return error_set(error, SERVER_ERROR, "out of memory for the private server");
}

bool child_become_owner(const Owner *owner) {
  umask(077);
  if (!owner->drop)
    return true;
  return setgroups(0, NULL) == 0 && setgid(owner->gid) == 0 && setuid(owner->uid) == 0;
}

static void close_range_of(unsigned first, unsigned last) {
  if (first <= last)
    close_range(first, last, 0);
}

void child_close_all_but(int first, int second) {
  int low = first < second ? first : second;
  int high = first < second ? second : first;
  unsigned from = 3;
  if (low >= 3) {
    close_range_of(from, (unsigned)low - 1);
    from = (unsigned)low + 1;
  }
  if (high >= 3 && high != low) {
    close_range_of(from, (unsigned)high - 1);
    from = (unsigned)high + 1;
  }
  close_range_of(from, UINT_MAX);
}

static void reset_signals(void) {
  const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD};
  sigset_t none;
  sigemptyset(&none);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    signal(numbers[i], SIG_DFL);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

void child_exec(const char *const *argv) {
  static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin";
  static char locale[] = "LC_ALL=C.UTF-8";
  static char libraries[PATH_MAX];
  char *environment[] = {path, locale, NULL, NULL};
  const char *library_path = getenv("LD_LIBRARY_PATH");
  if (library_path) {
    snprintf(libraries, sizeof libraries, "LD_LIBRARY_PATH=%s", library_path);
    environment[2] = libraries;
  }
  reset_signals();
  execve(argv[0], (char *const *)argv, environment);
}

static void child_main(const Owner *owner, const OwnerRun *run, int input, int output) {
  dup2(input, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  child_close_all_but(run->inherit, -1);
  if (run->inherit >= 0)
    fcntl(run->inherit, F_SETFD, 0);
  if (!child_become_owner(owner)) {
    dprintf(STDERR_FILENO, "error: could not become user '%s': %s\n", owner->name, strerror(errno));
    _exit(126);
  }
  if (run->call)
    _exit(run->call(run->context));
  if (run->folder && chdir(run->folder) != 0)
    _exit(126);
  child_exec(run->argv);
  dprintf(STDERR_FILENO, "error: could not run '%s': %s\n", run->argv[0], strerror(errno));
  _exit(127);
}

// A short text fits a pipe's buffer: no deadlock.
static int open_input(const char *text) {
  int ends[2];
  if (!text)
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (pipe2(ends, O_CLOEXEC) != 0)
    return -1;
  ssize_t written = write(ends[1], text, strlen(text));
  close(ends[1]);
  if (written == (ssize_t)strlen(text))
    return ends[0];
  close(ends[0]);
  return -1;
}

// Keeps the end of the output: what is said last is the reason.
static void read_output(int fd, char *output, size_t size) {
  size_t used = 0;
  for (;;) {
    if (used == size - 1) {
      memmove(output, output + size / 2, used - size / 2);
      used -= size / 2;
    }
    ssize_t got = read(fd, output + used, size - 1 - used);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      break;
    used += (size_t)got;
  }
  output[used] = 0;
}

static int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR)
      return -1;
  return status;
}

static char *last_line_with(char *output, const char *word) {
  char *found = NULL;
  for (char *at = strstr(output, word); at; at = strstr(at + 1, word))
    found = at + strlen(word);
  return found;
}

const char *program_reason(char *output) {
  const char *const words[] = {"FATAL:", "PANIC:", "ERROR:", "error:"};
  char *line = NULL;
  for (size_t i = 0; i < sizeof words / sizeof *words && !line; i++)
    line = last_line_with(output, words[i]);
  if (!line) { // the last line there is
    size_t length = strlen(output);
    while (length > 0 && isspace((unsigned char)output[length - 1]))
      output[--length] = 0;
    line = strrchr(output, '\n');
    line = line ? line + 1 : output;
  }
  line += strspn(line, " \t");
  line[strcspn(line, "\n")] = 0;
  for (char *at = line; *at; at++)
    if (iscntrl((unsigned char)*at))
      *at = ' ';
  return line;
}

bool owner_run(const Owner *owner, OwnerRun *run, Error *error) {
  int output[2];
  int input = open_input(run->input);
  if (input < 0 || pipe2(output, O_CLOEXEC) != 0) {
    error_set_errno(error, errno, "could not start a program");
    if (input >= 0)
      close(input);
    return false;
  }
  fflush(NULL);
  pid_t child = fork();
  if (child == 0)
    child_main(owner, run, input, output[1]);
  int number = errno;
  close(input);
  close(output[1]);
  run->output[0] = 0;
  if (child > 0)
    read_output(output[0], run->output, sizeof run->output);
  close(output[0]);
  if (child < 0)
    return error_set_errno(error, number, "could not start a program");
  int status = wait_for(child);
  if (status == 0)
    return true;
  if (interrupt_signal != 0)
    return error_set(error, "interrupted", "interrupted");
  if (WIFSIGNALED(status))
    return error_set(error, SERVER_ERROR, "killed by signal %d", WTERMSIG(status));
  char copy[sizeof run->output];
  memcpy(copy, run->output, sizeof copy);
  return error_set(error, SERVER_ERROR, "%s", program_reason(copy));
}
