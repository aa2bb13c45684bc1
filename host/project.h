// The project that the current folder is in.
#ifndef PGHOST_HOST_PROJECT_H
#define PGHOST_HOST_PROJECT_H

#include <stddef.h>

// For the word `pipeline.lua`, given in a subfolder of its project that has no such file: its path,
// in `path`. Otherwise the word itself. The search ends at folders that do not belong to this user
// (or root) or that are world-writable: nothing there is run.
char *project_script(char *word, char *path, size_t size);

// The pipeline.lua of the current folder, or of the nearest one above it, in `path`; NULL: none.
// The same folders and files are searched, and the current one, too, has to be the user's own.
const char *project_near(char *path, size_t size);

#endif
