// The project that the current folder is in.
#ifndef PGHOST_HOST_PROJECT_H
#define PGHOST_HOST_PROJECT_H

#include <stddef.h>

// `pipeline.lua` said in a subfolder of its project, and not there: its path, in `path`. Else the
// word itself. Folders that are not this user's (or root's), or that everybody may write to, end
// the search: what lies there is not run.
char *project_script(char *word, char *path, size_t size);

#endif
