// Creating, starting and stopping the cluster of the private server.
#define _GNU_SOURCE // asprintf, pipe2
#include "cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "progress.h"
#include "upgrade.h"

#define NEW_DATA "data.new"

static const char settings[] =
    "\n"
    "# ---- pghost ----\n"
    "listen_addresses = ''\n"
    "port = 5432\n"
    "unix_socket_permissions = 0700\n"
    "wal_level = minimal\n"
    "max_wal_senders = 0\n"
    "max_logical_replication_workers = 0\n"
    "max_wal_size = 4GB\n"
    "checkpoint_timeout = 15min\n"
    "shared_buffers = 256MB\n"
    "fsync = on\n"
    "synchronous_commit = on\n"
    "timezone = 'UTC'\n"
    "log_timezone = 'UTC'\n"
    "log_min_error_statement = panic\n"; // statements hold the user's data

// Any database: `pghost test` makes some that it drops.
static const char access_rules[] = "# pghost: the owner alone, and as nobody else\n"
                                   "local all pghost peer map=pghost\n";
static const char first_access_rules[] = "# pghost: the owner alone, and as nobody else\n"
                                         "local pghost pghost peer map=pghost\n";

bool cluster_exists(const ServerPlace *place) {
  struct stat facts;
  return stat(place->data, &facts) == 0 && S_ISDIR(facts.st_mode);
}

// A role's name in "$user" would make pghost's own schema the first on the search_path.
static const char create_statements[] = "create database pghost;\n"
                                        "alter role pghost set search_path = public;\n";

// ---- Creating; the functions from here to configure run in a child, as the owner

static int remove_entry(const char *path, const struct stat *facts, int kind, struct FTW *walk) {
  (void)facts;
  if (walk->level == 0)
    return 0;
  return kind == FTW_DP ? rmdir(path) : unlink(path);
}

static int empty_folder(void *context) {
  return nftw(context, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : 1;
}

static bool write_file(const char *folder, const char *name, int flags, const char *text) {
  char *path = NULL;
  if (asprintf(&path, "%s/%s", folder, name) < 0)
    return false;
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
  ssize_t length = (ssize_t)strlen(text);
  bool ok = fd >= 0 && write(fd, text, (size_t)length) == length && fsync(fd) == 0;
  if (!ok)
    dprintf(STDERR_FILENO, "error: could not write '%s': %s\n", path, strerror(errno));
  if (fd >= 0)
    close(fd);
  free(path);
  return ok;
}

typedef struct Configuration {
  const char *folder;
  const char *users; // text of pg_ident.conf
} Configuration;

static int configure(void *context) {
  const Configuration *configuration = context;
  bool ok = write_file(configuration->folder, "postgresql.conf", O_APPEND, settings) &&
            write_file(configuration->folder, "pg_hba.conf", O_TRUNC, access_rules) &&
            write_file(configuration->folder, "pg_ident.conf", O_TRUNC, configuration->users);
  return ok ? 0 : 1;
}

static bool run_initdb(const ServerPlace *place, const char *folder, int lock, Error *error) {
  char *program = NULL;
  if (asprintf(&program, "%s/initdb", place->bin) < 0)
    return server_out_of_memory(error);
  const char *const argv[] = {
      program,       "-D", folder, "--username", "pghost", "--encoding=UTF8", "--locale=C.UTF-8",
      "--auth=peer", NULL};
  OwnerRun run = {.argv = argv, .folder = place->folder, .inherit = lock};
  bool ok = owner_run(&place->owner, &run, error);
  free(program);
  return ok;
}

static bool run_configure(const ServerPlace *place, const char *folder, int lock, Error *error) {
  char *users = NULL;
  int length = place->owner.drop ? asprintf(&users, "pghost root pghost\npghost \"%s\" pghost\n",
                                            place->owner.name)
                                 : asprintf(&users, "pghost \"%s\" pghost\n", place->owner.name);
  if (length < 0)
    return server_out_of_memory(error);
  Configuration configuration = {.folder = folder, .users = users};
  OwnerRun run = {.call = configure, .context = &configuration, .inherit = lock};
  bool ok = owner_run(&place->owner, &run, error);
  free(users);
  return ok;
}

// The single-user server reports a failed statement in its output only.
static bool create_database(const ServerPlace *place, const char *folder, int lock, Error *error) {
  char *program = NULL;
  if (asprintf(&program, "%s/postgres", place->bin) < 0)
    return server_out_of_memory(error);
  const char *const argv[] = {program, "--single", "-D", folder, "postgres", NULL};
  OwnerRun run = {
      .argv = argv, .folder = place->folder, .input = create_statements, .inherit = lock};
  bool ok = owner_run(&place->owner, &run, error);
  free(program);
  if (ok && (strstr(run.output, "ERROR:") || strstr(run.output, "FATAL:")))
    ok = error_set(error, SERVER_ERROR, "%s", program_reason(run.output));
  return ok;
}

static bool empty(const ServerPlace *place, char *folder, Error *error) {
  OwnerRun run = {.call = empty_folder, .context = folder, .inherit = -1};
  return owner_run(&place->owner, &run, error);
}

// An empty folder of the owner's, whatever a killed creation has left there.
static bool begin_folder(const ServerPlace *place, char *folder, Error *error) {
  struct stat facts;
  if (lstat(folder, &facts) == 0 &&
      ((S_ISDIR(facts.st_mode) && !empty(place, folder, error)) || remove(folder) != 0))
    return error_set_errno(error, errno, "could not remove '%s'", folder);
  if (mkdir(folder, 0700) != 0)
    return error_set_errno(error, errno, "could not create '%s'", folder);
  if (place->owner.drop && lchown(folder, place->owner.uid, place->owner.gid) != 0)
    return error_set_errno(error, errno, "could not give '%s' to %s", folder, place->owner.name);
  return true;
}

static void sync_folder(const char *folder) {
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return;
  fsync(fd);
  close(fd);
}

static bool finish_folder(const ServerPlace *place, const char *folder, Error *error) {
  sync_folder(folder);
  if (rename(folder, place->data) != 0)
    return error_set_errno(error, errno, "could not rename '%s'", folder);
  sync_folder(place->folder);
  return true;
}

static void discard_folder(const ServerPlace *place, char *folder) {
  Error ignored;
  if (empty(place, folder, &ignored))
    rmdir(folder);
}

bool cluster_create(ServerPlace *place, int lock, Error *error) {
  char *folder = place_path(place, NEW_DATA);
  if (!folder)
    return server_out_of_memory(error);
  progress_say("creating private server in '%s'", place->folder);
  Error reason = {0};
  bool ok = begin_folder(place, folder, &reason) && run_initdb(place, folder, lock, &reason) &&
            run_configure(place, folder, lock, &reason) &&
            create_database(place, folder, lock, &reason) && finish_folder(place, folder, &reason);
  if (!ok)
    discard_folder(place, folder);
  free(folder);
  if (ok)
    return true;
  if (interrupt_signal != 0)
    return error_set(error, "interrupted", "interrupted");
  return error_set(error, SERVER_ERROR, "could not create the private server in '%s': %s",
                   place->folder, reason.message);
}

// ---- Starting and stopping

static PGPing ping(const ServerPlace *place) {
  char conninfo[SERVER_CONNINFO_SIZE];
  if (!place->socket_folder)
    return PQPING_NO_RESPONSE;
  place_conninfo(place, conninfo);
  return PQping(conninfo);
}

bool cluster_is_running(const ServerPlace *place) {
  PGPing answer = ping(place);
  return answer == PQPING_OK || answer == PQPING_REJECT;
}

// The setting is a list: a folder in double quotes is one entry, whatever its name.
static char *quote_setting(const char *text) {
  char *quoted = malloc(2 * strlen(text) + 3);
  if (!quoted)
    return NULL;
  char *out = quoted;
  *out++ = '"';
  for (; *text; text++) {
    if (*text == '"')
      *out++ = '"';
    *out++ = *text;
  }
  *out++ = '"';
  *out = 0;
  return quoted;
}

// The log of the last time stays beside the new one.
static bool redirect_to_log(void) {
  rename("server.log", "server.log.1");
  int in = open("/dev/null", O_RDONLY);
  int out = open("server.log", O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600);
  return in >= 0 && out >= 0 && dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
         dup2(out, STDERR_FILENO) >= 0;
}

// Clusters that were made when there was one database; what a user has written stays. In data/.
static bool renew_access_rules(void) {
  char text[sizeof first_access_rules] = "";
  int fd = open("pg_hba.conf", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  ssize_t got = fd >= 0 ? read(fd, text, sizeof text) : -1;
  if (fd >= 0)
    close(fd);
  if (got != (ssize_t)sizeof text - 1 || memcmp(text, first_access_rules, sizeof text - 1) != 0)
    return true;
  return write_file(".", "pg_hba.conf.new", O_TRUNC, access_rules) &&
         rename("pg_hba.conf.new", "pg_hba.conf") == 0;
}

// In a child: leaves the terminal and becomes the server. `alive` stays open as long as it runs.
static void become_server(const ServerPlace *place, const char *const *argv, int alive) {
  setsid();
  if (fork() != 0)
    _exit(0);
  if (child_become_owner(&place->owner) && chdir(place->data) == 0 && redirect_to_log() &&
      renew_access_rules()) {
    child_close_all_but(alive, -1);
    fcntl(alive, F_SETFD, 0);
    child_exec(argv);
  }
  dprintf(STDERR_FILENO, "FATAL: could not run '%s': %s\n", argv[0], strerror(errno));
  _exit(127);
}

// Forks the server. Returns a descriptor that reads as ended when the server has ended, or -1.
static int launch(const ServerPlace *place, Error *error) {
  int ends[2] = {-1, -1};
  char *program = NULL;
  char *folder = quote_setting(place->socket_folder);
  if (!folder || asprintf(&program, "%s/postgres", place->bin) < 0 || pipe2(ends, O_CLOEXEC) != 0) {
    free(folder);
    server_out_of_memory(error);
    return -1;
  }
  const char *const argv[] = {program, "-D", place->data, "-k", folder, NULL};
  fflush(NULL);
  pid_t child = fork();
  if (child == 0)
    become_server(place, argv, ends[1]);
  int number = errno;
  free(program);
  free(folder);
  close(ends[1]);
  if (child > 0) {
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
      ;
    return ends[0];
  }
  close(ends[0]);
  error_set_errno(error, number, "could not start the private server");
  return -1;
}

static bool start_failed(const ServerPlace *place, Error *error) {
  char text[8192] = "";
  char *path = place_path(place, "data/server.log");
  int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
  if (fd >= 0) {
    off_t size = lseek(fd, 0, SEEK_END);
    lseek(fd, size > (off_t)sizeof text - 1 ? size - ((off_t)sizeof text - 1) : 0, SEEK_SET);
    ssize_t got = read(fd, text, sizeof text - 1);
    text[got > 0 ? got : 0] = 0;
    close(fd);
  }
  free(path);
  return error_set(error, SERVER_ERROR, "could not start the private server in '%s': %s",
                   place->folder, text[0] ? program_reason(text) : "it wrote no log");
}

// Recovery after a crash can take long; only the server's end or a signal ends the wait.
static bool wait_until_ready(const ServerPlace *place, int alive, Error *error) {
  struct pollfd watch = {.fd = alive, .events = POLLIN};
  for (int round = 0;; round++) {
    PGPing answer = ping(place);
    if (answer == PQPING_OK)
      return true;
    if (answer == PQPING_NO_ATTEMPT)
      return error_set(error, SERVER_ERROR,
                       "could not check whether the private server in '%s' answers", place->folder);
    if (interrupt_signal != 0)
      return error_set(error, "interrupted", "interrupted");
    if (poll(&watch, 1, 20) > 0)
      return start_failed(place, error);
    if (round == 250)
      progress_say("waiting for the private server in '%s' to recover", place->folder);
  }
}

// Is there a server process? The number in postmaster.pid alone does not say so: after a crash of
// the machine it may be anybody's. A server works in its data folder.
static bool has_process(const ServerPlace *place) {
  char link[64];
  struct stat folder, data;
  int pid = 0;
  char *path = place_path(place, "data/postmaster.pid");
  FILE *file = path ? fopen(path, "re") : NULL;
  bool known = file && fscanf(file, "%9d", &pid) == 1 && pid > 0;
  if (file)
    fclose(file);
  free(path);
  snprintf(link, sizeof link, "/proc/%d/cwd", pid);
  return known && stat(link, &folder) == 0 && stat(place->data, &data) == 0 &&
         folder.st_dev == data.st_dev && folder.st_ino == data.st_ino;
}

bool cluster_stop(const ServerPlace *place, Error *error) {
  char *program = NULL;
  if (!has_process(place))
    return true;
  if (asprintf(&program, "%s/pg_ctl", place->bin) < 0)
    return server_out_of_memory(error);
  const char *const argv[] = {program, "stop", "-D", place->data, "-m",
                              "fast",  "-w",   "-t", "3600",      NULL};
  OwnerRun run = {.argv = argv, .folder = place->folder, .inherit = -1};
  bool ok = owner_run(&place->owner, &run, error);
  free(program);
  return ok;
}

// Did starting fail only because processes of a server that was killed have not ended yet, or have
// not been buried? Both take a moment.
static bool has_survivors(const Error *error) {
  return strstr(error->message, "pre-existing shared memory block") ||
         strstr(error->message, "\"postmaster.pid\" already exists");
}

static bool start(ServerPlace *place, Error *error) {
  // A server whose socket has been removed under it is alive, but nobody can reach it any more.
  if (!cluster_stop(place, error))
    return false;
  for (int attempt = 0;; attempt++) {
    int alive = launch(place, error);
    if (alive < 0)
      return false;
    bool ok = wait_until_ready(place, alive, error);
    close(alive);
    if (ok || attempt == 100 || !has_survivors(error))
      return ok;
    poll(NULL, 0, 100);
  }
}

bool cluster_start(ServerPlace *place, Error *error) {
  return start(place, error) && upgrade_cluster(place, error);
}
