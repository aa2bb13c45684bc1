// Life of the private server: who uses it, who starts it, who stops it.
//
// Order of locks: server.lock, then use.lock. The monitor takes use.lock only.
#define _GNU_SOURCE // flock, prctl
#include "lifecycle.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "cluster.h"
#include "process_title.h"
#include "programs.h"

static int use_fd = -1; // our share of use.lock; held until the process ends

static int open_lock(const ServerPlace *place, const char *name, Error *error) {
  char *path = place_path(place, name);
  int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
  if (fd < 0) {
    Error reason;
    error_set_errno(&reason, path ? errno : ENOMEM, "could not open '%s/%s'", place->folder, name);
    error_set(error, SERVER_ERROR, "%s", reason.message);
  }
  free(path);
  return fd;
}

// Opens and locks; -1 when that fails or a signal comes.
static int take_lock(const ServerPlace *place, const char *name, int kind, Error *error) {
  int fd = open_lock(place, name, error);
  while (fd >= 0 && flock(fd, kind) != 0) {
    if (errno == EINTR && interrupt_signal == 0)
      continue;
    if (errno == EINTR)
      error_set(error, "interrupted", "interrupted");
    else
      error_set(error, SERVER_ERROR, "could not lock '%s/%s': %s", place->folder, name,
                strerror(errno));
    close(fd);
    return -1;
  }
  return fd;
}

static bool is_kept(const ServerPlace *place) {
  char *path = place_path(place, "keep");
  bool kept = path && access(path, F_OK) == 0;
  free(path);
  return kept;
}

static void set_kept(const ServerPlace *place, bool kept) {
  char *path = place_path(place, "keep");
  if (path && kept) {
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0)
      close(fd);
  } else if (path) {
    unlink(path);
  }
  free(path);
}

// ---- The monitor

// Waits until nobody uses the server, and stops it unless it is kept. Lets go of its own lock
// before it lets go of the users', so that the next user starts the next monitor.
static void monitor_main(const ServerPlace *place, int monitor_lock, int use_lock) {
  Error ignored;
  while (flock(use_lock, LOCK_EX) != 0)
    if (errno != EINTR)
      _exit(1);
  if (!is_kept(place))
    cluster_stop(place, &ignored);
  close(monitor_lock);
  _exit(0);
}

static void monitor_detach(const ServerPlace *place, int monitor_lock, int use_lock) {
  setsid();
  if (fork() != 0)
    _exit(0);
  int null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd <= 2 && null >= 0; fd++)
    dup2(null, fd);
  child_close_all_but(monitor_lock, use_lock);
  signal(SIGINT, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGTERM, SIG_DFL);
  interrupt_signal = 0;
  prctl(PR_SET_NAME, "pghost-monitor");
  title_set("pghost: private server monitor");
  if (chdir("/") != 0)
    _exit(1);
  monitor_main(place, monitor_lock, use_lock);
}

// Whether there is a monitor: it holds the lock as long as it lives.
static bool monitor_exists(const ServerPlace *place) {
  Error ignored;
  int monitor_lock = open_lock(place, "monitor.lock", &ignored);
  bool held = monitor_lock >= 0 && flock(monitor_lock, LOCK_EX | LOCK_NB) != 0;
  if (monitor_lock >= 0)
    close(monitor_lock);
  return held;
}

// Starts a monitor unless there is one.
static bool monitor_spawn(const ServerPlace *place, Error *error) {
  int monitor_lock = open_lock(place, "monitor.lock", error);
  if (monitor_lock < 0)
    return false;
  if (flock(monitor_lock, LOCK_EX | LOCK_NB) != 0) {
    close(monitor_lock);
    return true;
  }
  int use_lock = open_lock(place, "use.lock", error);
  if (use_lock < 0) {
    close(monitor_lock);
    return false;
  }
  fflush(NULL);
  pid_t child = fork();
  if (child == 0)
    monitor_detach(place, monitor_lock, use_lock);
  close(monitor_lock);
  close(use_lock);
  if (child < 0)
    return error_set(error, SERVER_ERROR, "could not start the private server's monitor: %s",
                     strerror(errno));
  return true;
}

// ---- Ensure

// With server.lock and a share of use.lock held, and the server not running or without a monitor.
static bool start_all(ServerPlace *place, int server_lock, bool running, Error *error) {
  if (!programs_find(place, error))
    return false;
  if (!cluster_exists(place) && !cluster_create(place, server_lock, error))
    return false;
  if (!is_kept(place) && !monitor_spawn(place, error))
    return false;
  return running || cluster_start(place, error);
}

// With server.lock and a share of use.lock held. A server that runs is left alone: each command
// comes here, and looking for programs takes longer than most of them.
static bool bring_up(ServerPlace *place, int server_lock, bool keep, Error *error) {
  if (!place_socket(place, true, error))
    return false;
  bool exists = cluster_exists(place), running = exists && cluster_is_running(place);
  if (!running)
    set_kept(place, false); // a kept server that is gone is not kept any more
  if (exists && !running && !place_check_reach(place, error))
    return false;
  bool ready = running && (is_kept(place) || monitor_exists(place));
  if (!ready && !start_all(place, server_lock, running, error))
    return false;
  if (keep)
    set_kept(place, true);
  return true;
}

static bool ensure_in(ServerPlace *place, bool keep, Error *error) {
  if (!place_prepare(place, error) || (!cluster_exists(place) && !place_check_reach(place, error)))
    return false;
  int server_lock = take_lock(place, "server.lock", LOCK_EX, error);
  if (server_lock < 0)
    return false;
  if (use_fd < 0)
    use_fd = take_lock(place, "use.lock", LOCK_SH, error);
  bool ok = use_fd >= 0 && bring_up(place, server_lock, keep, error);
  close(server_lock);
  return ok;
}

bool server_ensure(bool keep, char conninfo[SERVER_CONNINFO_SIZE], Error *error) {
  ServerPlace place;
  bool ok = place_find(&place, error) && ensure_in(&place, keep, error);
  if (ok)
    place_conninfo(&place, conninfo);
  place_free(&place);
  return ok;
}

// ---- Stop and status

static void pause_ms(long ms) {
  struct timespec wait = {.tv_nsec = ms * 1000000};
  nanosleep(&wait, NULL);
}

// The exclusive lock, if nobody else uses the server. A monitor may hold it for a moment.
static int try_exclusive(const ServerPlace *place, Error *error) {
  int fd = open_lock(place, "use.lock", error);
  for (int attempt = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0; attempt++) {
    if (attempt == 20) {
      close(fd);
      return -1;
    }
    pause_ms(10);
  }
  return fd;
}

// With server.lock held and the server running.
static StopResult stop_running(ServerPlace *place, bool force, Error *error) {
  if (use_fd >= 0)
    close(use_fd);
  use_fd = -1;
  if (!programs_find(place, error))
    return STOP_FAILED;
  int exclusive = try_exclusive(place, error);
  if (exclusive < 0 && !force)
    return monitor_spawn(place, error) ? STOP_IN_USE : STOP_FAILED;
  bool ok = cluster_stop(place, error);
  if (exclusive >= 0)
    close(exclusive);
  return ok || !cluster_is_running(place) ? STOP_DONE : STOP_FAILED;
}

static StopResult stop_in(ServerPlace *place, bool force, Error *error) {
  Error ignored;
  if (!cluster_exists(place))
    return STOP_NOT_RUNNING;
  int server_lock = take_lock(place, "server.lock", LOCK_EX, error);
  if (server_lock < 0)
    return STOP_FAILED;
  set_kept(place, false);
  StopResult result = STOP_NOT_RUNNING;
  if (place_socket(place, false, &ignored) && cluster_is_running(place))
    result = stop_running(place, force, error);
  close(server_lock);
  return result;
}

StopResult server_stop(bool force, Error *error) {
  ServerPlace place;
  StopResult result = place_find(&place, error) ? stop_in(&place, force, error) : STOP_FAILED;
  place_free(&place);
  return result;
}

static long long folder_bytes;

static int add_bytes(const char *path, const struct stat *facts, int kind, struct FTW *walk) {
  (void)path;
  (void)kind;
  (void)walk;
  folder_bytes += (long long)facts->st_blocks * 512;
  return 0;
}

// Files that come and go during the walk do not matter.
static long long bytes_on_disk(const char *folder) {
  folder_bytes = 0;
  return nftw(folder, add_bytes, 16, FTW_PHYS) == 0 ? folder_bytes : -1;
}

bool server_status(const ServerPlace *place, ServerStatus *status, Error *error) {
  *status = (ServerStatus){.state = SERVER_ABSENT, .bytes = -1};
  if (!cluster_exists(place))
    return true;
  status->state = cluster_is_running(place) ? SERVER_RUNNING : SERVER_STOPPED;
  status->kept = status->state == SERVER_RUNNING && is_kept(place);
  status->version = programs_cluster_version(place);
  status->bytes = bytes_on_disk(place->data);
  int fd = open_lock(place, "use.lock", error);
  if (fd < 0)
    return false;
  int share = use_fd >= 0 ? -1 : flock(fd, LOCK_EX | LOCK_NB);
  status->in_use = use_fd >= 0 || share != 0;
  close(fd);
  return true;
}
