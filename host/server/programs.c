// Finding initdb, postgres and pg_ctl: in PGHOST_SERVER_BIN, in PATH, where packages put them.
#define _GNU_SOURCE // strdup
#include "programs.h"

#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
  OwnerRun run = {.argv = argv, .folder = "/", .inherit = -1};
  Error ignored;
  if (!owner_run(&place->owner, &run, &ignored))
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

int programs_cluster_version(const ServerPlace *place) {
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
  int version = programs_cluster_version(place);
  if (find_programs(place, version))
    return true;
  if (version != 0 && find_programs(place, 0))
    return error_set(error, SERVER_ERROR,
                     "the private server in '%s' was made by PostgreSQL %d, which is not "
                     "installed: install it, or move that folder away to start a new one",
                     place->folder, version);
  return error_set(error, SERVER_ERROR,
                   "no PostgreSQL server found: install postgresql, or set DATABASE_URL");
}
