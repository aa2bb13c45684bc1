// The script that the user probably meant by a path that does not exist.
#ifndef PGHOST_HOST_NEAR_FILE_H
#define PGHOST_HOST_NEAR_FILE_H

#include <stdbool.h>
#include <stddef.h>

// Writes the path of the Lua file in the same folder with the nearest name; false: none is near.
bool near_file(const char *path, char *found, size_t size);

#endif
