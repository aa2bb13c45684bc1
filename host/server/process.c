// Child processes of the private server: privileges, descriptors, environment, output; and where
// PostgreSQL's server programs are.
#define _GNU_SOURCE // asprintf, setgroups, close_range
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
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
#include "server.h"

bool child_become_owner(const ServerPlace *place) {
  umask(077);
  if (!place->drop)
    return true;
  return setgroups(0, NULL) == 0 && setgid(place->gid) == 0 && setuid(place->uid) == 0;
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

// Replaces the process, with an environment that knows nothing of the user's: no PG* variable, no
// password. Returns only when it fails.
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

static void child_main(const ServerPlace *place, const OwnerRun *run, int input, int output) {
  dup2(input, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  child_close_all_but(run->inherit, -1);
  if (run->inherit >= 0)
    fcntl(run->inherit, F_SETFD, 0);
  if (!child_become_owner(place)) {
    dprintf(STDERR_FILENO, "error: could not become user '%s': %s\n", place->owner,
            strerror(errno));
    _exit(126);
  }
  if (run->call)
    _exit(run->call(run->context));
  if (chdir(place->folder) != 0)
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

bool owner_run(const ServerPlace *place, OwnerRun *run, Error *error) {
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
    child_main(place, run, input, output[1]);
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

static bool is_program(const char *folder, const char *name) {
  char path[PATH_MAX];
  return snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path &&
         access(path, X_OK) == 0;
}

static bool has_programs(const char *folder) {
  return is_program(folder, "initdb") && is_program(folder, "postgres") &&
         is_program(folder, "pg_ctl");
}

// Major version of the programs in a folder: `postgres --version` says "postgres
// (PostgreSQL) 15.4".
static int version_of(const ServerPlace *place, const char *folder) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/postgres", folder);
  const char *const argv[] = {path, "--version", NULL};
  OwnerRun run = {.argv = argv, .inherit = -1};
  Error ignored;
  if (!owner_run(place, &run, &ignored))
    return 0;
  const char *number = strpbrk(run.output, "0123456789");
  return number ? atoi(number) : 0;
}

// The folder itself, with links resolved: the programs look for each other there.
static char *resolved(const char *folder) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/postgres", folder);
  char *real = realpath(path, NULL);
  if (real)
    *strrchr(real, '/') = 0;
  return real;
}

// Takes the folder if it has the programs in the wanted version (0: any).
static bool take_folder(ServerPlace *place, const char *folder, int version) {
  if (folder[0] != '/' || !has_programs(folder))
    return false;
  if (version != 0 && version_of(place, folder) != version)
    return false;
  free(place->bin);
  place->bin = resolved(folder);
  return place->bin != NULL;
}

static bool find_in_path(ServerPlace *place, int version) {
  char *path = strdup(getenv("PATH") ? getenv("PATH") : "");
  char *rest = NULL;
  bool found = false;
  for (char *folder = path ? strtok_r(path, ":", &rest) : NULL; folder && !found;
       folder = strtok_r(NULL, ":", &rest))
    found = take_folder(place, folder, version);
  free(path);
  return found;
}

// Numbers in the folder's name: /usr/lib/postgresql/15/bin, /usr/pgsql-15/bin.
static int number_in(const char *folder) {
  const char *digits = strpbrk(folder, "0123456789");
  return digits ? atoi(digits) : 0;
}

static bool find_installed(ServerPlace *place, int version) {
  glob_t found = {0};
  glob("/usr/lib/postgresql/*/bin", 0, NULL, &found);
  glob("/usr/pgsql-*/bin", GLOB_APPEND, NULL, &found);
  glob("/usr/local/pgsql/bin", GLOB_APPEND, NULL, &found);
  int newest = -1;
  for (size_t i = 0; i < found.gl_pathc; i++) {
    int number = number_in(found.gl_pathv[i]);
    if (number > newest && take_folder(place, found.gl_pathv[i], version))
      newest = number;
  }
  globfree(&found);
  return newest >= 0;
}

// Major version that made the cluster; 0 when there is none.
static int cluster_version(const ServerPlace *place) {
  char *path = place_path(place, "data/PG_VERSION");
  FILE *file = path ? fopen(path, "re") : NULL;
  int version = 0;
  if (file && fscanf(file, "%9d", &version) != 1)
    version = 0;
  if (file)
    fclose(file);
  free(path);
  return version;
}

static bool find_programs(ServerPlace *place, int version) {
  const char *wanted = getenv("PGHOST_SERVER_BIN");
  if (wanted && wanted[0])
    return take_folder(place, wanted, version);
  return find_in_path(place, version) || find_installed(place, version);
}

bool programs_find(ServerPlace *place, Error *error) {
  int version = cluster_version(place);
  if (find_programs(place, version))
    return true;
  if (version != 0 && find_programs(place, 0))
    return error_set(error, SERVER_ERROR,
                     "the private server in '%s' was made by PostgreSQL %d, which is not "
                     "installed: install it, or move that folder away to begin a new one",
                     place->folder, version);
  return error_set(error, SERVER_ERROR,
                   "no PostgreSQL server found: install postgresql, or set DATABASE_URL");
}
