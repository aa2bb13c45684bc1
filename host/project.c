// Looks for pipeline.lua from the current folder upwards.
#include "project.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char file_name[] = "pipeline.lua";

static bool is_own(const struct stat *facts) {
  bool mine = facts->st_uid == geteuid() || facts->st_uid == 0;
  return mine && !(facts->st_mode & S_IWOTH);
}

static bool may_look_into(const char *folder) {
  struct stat facts;
  return stat(folder[0] ? folder : "/", &facts) == 0 && is_own(&facts);
}

static bool holds_script(const char *folder, char *path, size_t size) {
  struct stat facts;
  int length = snprintf(path, size, "%s/%s", folder, file_name);
  return length > 0 && (size_t)length < size && stat(path, &facts) == 0 && S_ISREG(facts.st_mode) &&
         is_own(&facts);
}

// The nearest script in `folder` or one above it, in `path`. Cuts `folder` to the one that it is
// in.
static bool find_upwards(char *folder, char *path, size_t size) {
  while (may_look_into(folder)) {
    if (holds_script(folder, path, size))
      return true;
    char *slash = strrchr(folder, '/');
    if (!slash)
      return false;
    *slash = 0;
  }
  return false;
}

char *project_script(char *word, char *path, size_t size) {
  char folder[PATH_MAX];
  if (strcmp(word, file_name) != 0 || access(word, F_OK) == 0 || !getcwd(folder, sizeof folder))
    return word;
  return find_upwards(folder, path, size) ? path : word;
}

const char *project_near(char *path, size_t size) {
  char folder[PATH_MAX];
  return getcwd(folder, sizeof folder) && find_upwards(folder, path, size) ? path : NULL;
}
