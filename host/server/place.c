// Folders of the private server: where, whose, and safe from other users.
#define _GNU_SOURCE // asprintf
#include "place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/account.h"

#define SOCKET_NAME "/.s.PGSQL.5432"

static char *format(const char *pattern, const char *first, const char *second) {
  char *text = NULL;
  return asprintf(&text, pattern, first, second) < 0 ? NULL : text;
}

static bool find_owner(ServerPlace *place, Error *error) {
  place->owner.drop = geteuid() == 0;
  Account user;
  bool known =
      place->owner.drop ? account_by_name("postgres", &user) : account_by_id(geteuid(), &user);
  if (!known && place->owner.drop)
    return error_set(error, SERVER_ERROR,
                     "no user 'postgres' to run the private server as, for it refuses root: "
                     "install postgresql, or set DATABASE_URL");
  if (!known)
    return error_set(error, SERVER_ERROR,
                     "user id %lu has no name, and the private server needs one: "
                     "add it to /etc/passwd, or set DATABASE_URL",
                     (unsigned long)geteuid());
  place->owner.uid = user.uid;
  place->owner.gid = user.gid;
  place->owner.name = strdup(user.name);
  return place->owner.name || server_out_of_memory(error);
}

static char *absolute(const char *path) {
  char *here = path[0] == '/' ? NULL : getcwd(NULL, 0);
  char *result = here ? format("%s/%s", here, path) : strdup(path);
  free(here);
  return result;
}

static char *folder_in_home(void) {
  const char *home = getenv("HOME");
  Account user;
  if (!home || home[0] != '/')
    home = account_by_id(geteuid(), &user) ? user.home : "/";
  return format("%s/.local/share/pghost/%s", home, "server");
}

// A relative XDG variable is to be ignored (XDG base directory specification).
static char *default_folder(void) {
  if (geteuid() == 0)
    return strdup("/var/lib/pghost/server");
  const char *base = getenv("XDG_DATA_HOME");
  if (base && base[0] == '/')
    return format("%s/pghost/%s", base, "server");
  return folder_in_home();
}

// PostgreSQL's programs hand names of folders to each other as lines of files and to the shell.
static bool check_name(const char *folder, Error *error) {
  for (const char *at = folder; *at; at++)
    if ((unsigned char)*at < 0x20 || *at == 0x7f)
      return error_set(error, SERVER_ERROR,
                       "the private server cannot be in '%s': a control character is in the "
                       "folder's name, set PGHOST_SERVER_DIR to another one",
                       folder);
  return true;
}

bool place_find(ServerPlace *place, Error *error) {
  *place = (ServerPlace){0};
  if (!find_owner(place, error))
    return false;
  const char *wanted = getenv("PGHOST_SERVER_DIR");
  place->folder = wanted && wanted[0] ? absolute(wanted) : default_folder();
  place->data = place->folder ? place_path(place, "data") : NULL;
  return place->data ? check_name(place->folder, error) : server_out_of_memory(error);
}

void place_free(ServerPlace *place) {
  free(place->folder);
  free(place->data);
  free(place->socket_folder);
  free(place->bin);
  free(place->owner.name);
  *place = (ServerPlace){0};
}

char *place_path(const ServerPlace *place, const char *name) {
  return format("%s/%s", place->folder, name);
}

// mkdir -p; what is made above the last folder gets mode 0755.
static bool make_folders(char *path, mode_t mode, Error *error) {
  for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    int bad = mkdir(path, 0755) != 0 && errno != EEXIST && access(path, X_OK) != 0;
    int number = errno;
    if (bad)
      error_set_errno(error, number, "could not create '%s' for the private server", path);
    *slash = '/';
    if (bad)
      return false;
  }
  if (mkdir(path, mode) != 0 && errno != EEXIST)
    return error_set_errno(error, errno, "could not create '%s' for the private server", path);
  return true;
}

static bool is_own_folder(const char *path, uid_t uid, mode_t forbidden) {
  struct stat facts;
  return lstat(path, &facts) == 0 && S_ISDIR(facts.st_mode) && facts.st_uid == uid &&
         !(facts.st_mode & forbidden);
}

static bool check_folder(const ServerPlace *place, Error *error) {
  struct stat facts;
  if (stat(place->folder, &facts) != 0)
    return error_set_errno(error, errno, "could not look at '%s'", place->folder);
  if (!S_ISDIR(facts.st_mode) || facts.st_uid != geteuid() || (facts.st_mode & 022))
    return error_set(error, SERVER_ERROR,
                     "'%s' is not a folder that only you can write to: "
                     "set PGHOST_SERVER_DIR to one for the private server",
                     place->folder);
  if (place->owner.drop && !(facts.st_mode & 001) && chmod(place->folder, facts.st_mode | 011) != 0)
    return error_set_errno(error, errno, "could not open '%s' to %s", place->folder,
                           place->owner.name);
  return true;
}

// Makes a folder of the owner's in ours, or checks the one that is there.
static bool make_owned(const ServerPlace *place, const char *path, Error *error) {
  if (mkdir(path, 0700) == 0) {
    if (place->owner.drop && lchown(path, place->owner.uid, place->owner.gid) != 0)
      return error_set_errno(error, errno, "could not give '%s' to %s", path, place->owner.name);
    return true;
  }
  if (errno != EEXIST)
    return error_set_errno(error, errno, "could not create '%s'", path);
  if (!is_own_folder(path, place->owner.uid, 077))
    return error_set(error, SERVER_ERROR, "'%s' is not a folder that only %s can enter", path,
                     place->owner.name);
  return true;
}

static int enter_folder(void *context) {
  const ServerPlace *place = context;
  return chdir(place->folder) == 0 ? 0 : 1;
}

bool place_check_reach(ServerPlace *place, Error *error) {
  OwnerRun run = {.call = enter_folder, .context = place, .inherit = -1};
  Error ignored;
  if (!place->owner.drop || owner_run(&place->owner, &run, &ignored))
    return true;
  return error_set(error, SERVER_ERROR,
                   "user '%s' cannot reach '%s': set PGHOST_SERVER_DIR to a folder below ones "
                   "that everybody can enter",
                   place->owner.name, place->folder);
}

bool place_prepare(ServerPlace *place, Error *error) {
  Error reason;
  bool ok = make_folders(place->folder, place->owner.drop ? 0711 : 0700, &reason) &&
            check_folder(place, &reason);
  return ok || error_set(error, SERVER_ERROR, "%s", reason.message);
}

// A socket's address is short, and libpq takes a comma in `host` for the end of one of several
// hosts; it knows no way to quote it.
static bool fits_socket(const char *folder) {
  return !strchr(folder, ',') &&
         strlen(folder) + sizeof SOCKET_NAME <= sizeof((struct sockaddr_un *)0)->sun_path;
}

// The folder that `link` points to, if it is still there and nobody else's.
static char *linked_folder(const ServerPlace *place, const char *link) {
  char target[512];
  ssize_t length = readlink(link, target, sizeof target - 1);
  if (length <= 0)
    return NULL;
  target[length] = 0;
  return is_own_folder(target, place->owner.uid, 077) ? strdup(target) : NULL;
}

static char *short_parent(const ServerPlace *place) {
  const char *runtime = getenv("XDG_RUNTIME_DIR");
  bool usable = !place->owner.drop && runtime && runtime[0] == '/' && strlen(runtime) < 60 &&
                !strchr(runtime, ',') && is_own_folder(runtime, place->owner.uid, 077);
  return format("%s/pghost.%s", usable ? runtime : "/tmp", "XXXXXX");
}

static bool link_short_folder(ServerPlace *place, const char *link, Error *error) {
  char *folder = short_parent(place);
  if (!folder)
    return server_out_of_memory(error);
  bool ok = mkdtemp(folder) &&
            (!place->owner.drop || lchown(folder, place->owner.uid, place->owner.gid) == 0) &&
            (remove(link) == 0 || errno == ENOENT) && symlink(folder, link) == 0;
  if (!ok) {
    error_set_errno(error, errno, "could not create a folder '%s' for the private server's socket",
                    folder);
    rmdir(folder);
    free(folder);
    return false;
  }
  place->socket_folder = folder;
  return true;
}

bool place_socket(ServerPlace *place, bool create, Error *error) {
  char *run = place_path(place, "run");
  if (!run)
    return server_out_of_memory(error);
  if (fits_socket(run)) {
    place->socket_folder = run;
    return !create || make_owned(place, run, error);
  }
  place->socket_folder = linked_folder(place, run);
  bool ok = place->socket_folder || (create && link_short_folder(place, run, error));
  if (!ok && !create)
    error_set(error, SERVER_ERROR, "the private server has no socket: it is not running");
  free(run);
  return ok;
}

// Quotes for a conninfo string (PostgreSQL manual, 34.1.1.1): backslash before ' and \.
static void quote(const char *text, char *out, size_t size) {
  size_t used = 0;
  for (const char *at = text; *at && used + 2 < size; at++) {
    if (*at == '\'' || *at == '\\')
      out[used++] = '\\';
    out[used++] = *at;
  }
  out[used] = 0;
}

// requirepeer: libpq refuses a server of another user, who may have moved its socket there since
// the folders were looked at.
void place_conninfo(const ServerPlace *place, char conninfo[SERVER_CONNINFO_SIZE]) {
  char folder[2 * sizeof((struct sockaddr_un *)0)->sun_path + 1], owner[100];
  quote(place->socket_folder, folder, sizeof folder);
  quote(place->owner.name, owner, sizeof owner);
  snprintf(conninfo, SERVER_CONNINFO_SIZE,
           "host='%s' port=5432 dbname=pghost user=pghost requirepeer='%s'", folder, owner);
}
