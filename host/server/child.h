// Child processes of the private server, run as the owner of its cluster: privileges, descriptors,
// environment, output.
#ifndef PGHOST_SERVER_CHILD_H
#define PGHOST_SERVER_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

// The code of what fails here: SQLSTATE of "cannot connect".
#define SERVER_ERROR "08001"

// Who runs the programs.
typedef struct Owner {
  bool drop; // we are root: the owner is another user, postgres
  uid_t uid;
  gid_t gid;
  char *name;
} Owner;

typedef struct OwnerRun {
  const char *const *argv; // argv[0]: path
  const char *folder;      // to work in; NULL: the current one
  const char *input;       // text for stdin; NULL: none
  char output[8192];       // the end of what it wrote to stdout and stderr
  int inherit;             // a descriptor the program keeps open (a lock); -1: none
  int (*call)(void *);     // instead of a program: run in a child as the owner, 0 for success
  void *context;           // for call
} OwnerRun;

// Runs and waits. False when it could not be run or failed; error tells the reason it gave.
bool owner_run(const Owner *owner, OwnerRun *run, Error *error);

// The line of a program's output that says why it failed.
const char *program_reason(char *output);

// For a child that was forked by hand. Becomes the owner; false: errno.
bool child_become_owner(const Owner *owner);

// Closes all descriptors above 2 but these; -1: none.
void child_close_all_but(int first, int second);

// Replaces the process, with an environment that knows nothing of the user's: no PG* variable, no
// password. Returns only when it fails.
void child_exec(const char *const *argv);

// false, code SERVER_ERROR.
bool server_out_of_memory(Error *error);

#endif
