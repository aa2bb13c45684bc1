// Users of this machine, without the name service where possible.
//
// glibc's getpwuid and getpwnam crash, or abort the process, if they run out of memory on first use
// (nss_database.c of glibc 2.36). Local users are read from /etc/passwd, with no allocation; only
// for others (LDAP, SSSD) is the name service asked.
#ifndef PGHOST_BASE_ACCOUNT_H
#define PGHOST_BASE_ACCOUNT_H

#include <stdbool.h>
#include <sys/types.h>

typedef struct Account {
  uid_t uid;
  gid_t gid;
  char name[256];
  char home[4096];
} Account;

// False: there is no such user, or a field of theirs is too long.
bool account_by_id(uid_t uid, Account *account);
bool account_by_name(const char *name, Account *account);

#endif
