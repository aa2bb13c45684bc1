// Loading the shared object with libarchive, which lies beside the one with this function.
#define _GNU_SOURCE // dladdr
#include "csv/archive_parts.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#pragma weak pghost_archive_parts

static bool find_object(char path[PATH_MAX]) {
  Dl_info own;
  if (!dladdr((const void *)&archive_parts, &own) || !own.dli_fname)
    return false;
  const char *slash = strrchr(own.dli_fname, '/');
  int folder = slash ? (int)(slash - own.dli_fname) : 0;
  int used = snprintf(path, PATH_MAX, "%.*s/pghost_archive.so", folder, own.dli_fname);
  return used > 0 && used < PATH_MAX;
}

const ArchiveParts *archive_parts(Error *error) {
  char path[PATH_MAX] = "pghost_archive.so";
  if (&pghost_archive_parts)
    return &pghost_archive_parts;
  // Loaded once, however often this is called, and never unloaded.
  void *object = find_object(path) ? dlopen(path, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE) : NULL;
  const ArchiveParts *parts = object ? dlsym(object, "pghost_archive_parts") : NULL;
  if (!parts) {
    const char *problem = dlerror();
    error_set(error, "archive", "could not load the module that decompresses files: %s",
              problem ? problem : path);
  }
  return parts;
}
