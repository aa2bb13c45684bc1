// The constants that an operation or check takes, by their names in the rule table.
#ifndef PGHOST_RULES_CONSTANTS_H
#define PGHOST_RULES_CONSTANTS_H

#include <stddef.h>

enum { MAX_CONSTANTS = 3 };

// "value", "max?" (may be missing, and is null then), "values*" (a list of any length, by itself).
// In the order they are passed; NULL after the last.
typedef struct Constants {
  const char *names[MAX_CONSTANTS + 1];
} Constants;

#endif
