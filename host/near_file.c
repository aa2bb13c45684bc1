// Looks through one folder, by the distance that names of commands and options are compared by.
#define _POSIX_C_SOURCE 200809L
#include "near_file.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"

static int ends_in_lua(const struct dirent *entry) {
  size_t length = strlen(entry->d_name);
  return length > 4 && strcmp(entry->d_name + length - 4, ".lua") == 0;
}

// Of "a/b.lua" the "a/" and its length; of "b.lua" nothing.
static size_t folder_of(const char *path, char *folder, size_t size) {
  const char *slash = strrchr(path, '/');
  size_t length = slash ? (size_t)(slash - path) + 1 : 0;
  if (length >= size)
    return 0;
  memcpy(folder, path, length);
  folder[length] = 0;
  return length;
}

bool near_file(const char *path, char *found, size_t size) {
  char folder[PATH_MAX];
  size_t length = folder_of(path, folder, sizeof folder);
  struct dirent **entries = NULL;
  int count = scandir(length ? folder : ".", &entries, ends_in_lua, alphasort);
  const char **names = calloc(count > 0 ? (size_t)count : 1, sizeof *names);
  for (int i = 0; i < count && names; i++)
    names[i] = entries[i]->d_name;
  char word[NAME_MAX + 1];
  bool has_ending = strlen(path) > 4 && strcmp(path + strlen(path) - 4, ".lua") == 0;
  snprintf(word, sizeof word, "%s%s", path + length, has_ending ? "" : ".lua");
  const char *name = names && count > 0 ? nearest_word(word, names, (size_t)count) : NULL;
  bool good = name && snprintf(found, size, "%s%s", folder, name) < (int)size;
  for (int i = 0; i < count; i++)
    free(entries[i]);
  free(entries);
  free(names);
  return good;
}
