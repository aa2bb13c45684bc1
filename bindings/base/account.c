#include "base/account.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Who is looked for: by name if it is given.
typedef struct Wanted {
  const char *name;
  uid_t uid;
} Wanted;

static bool copy(char *to, size_t size, const char *from) {
  size_t len = strlen(from);
  if (len >= size)
    return false;
  memcpy(to, from, len + 1);
  return true;
}

static bool read_number(const char *text, id_t *number) {
  char *end;
  errno = 0;
  unsigned long value = strtoul(text, &end, 10);
  *number = (id_t)value;
  return *text >= '0' && *text <= '9' && !*end && errno == 0 && *number == value;
}

// passwd(5): name:password:uid:gid:comment:home:shell. Cuts the line into its fields.
static bool read_account(char *line, Account *account) {
  enum { NAME, PASSWORD, UID, GID, COMMENT, HOME, SHELL, FIELDS };
  char *fields[FIELDS];
  for (int i = 0; i < FIELDS; i++) {
    fields[i] = line;
    line = strchr(line, ':');
    if (!line && i < SHELL)
      return false;
    if (line)
      *line++ = 0;
  }
  return read_number(fields[UID], &account->uid) && read_number(fields[GID], &account->gid) &&
         copy(account->name, sizeof account->name, fields[NAME]) &&
         copy(account->home, sizeof account->home, fields[HOME]);
}

static bool is_wanted(const Account *account, const Wanted *wanted) {
  return wanted->name ? strcmp(account->name, wanted->name) == 0 : account->uid == wanted->uid;
}

static ssize_t read_on(int fd, char *buffer, size_t size) {
  ssize_t got;
  do
    got = read(fd, buffer, size);
  while (got < 0 && errno == EINTR);
  return got;
}

// Lines that do not fit into the buffer are nobody's.
static bool find_in_file(int fd, const Wanted *wanted, Account *account) {
  char buffer[8192];
  size_t used = 0;
  ssize_t got;
  bool skipping = false;
  while ((got = read_on(fd, buffer + used, sizeof buffer - 1 - used)) > 0) {
    used += (size_t)got;
    char *line = buffer;
    for (char *end; (end = memchr(line, '\n', used - (size_t)(line - buffer))); line = end + 1) {
      *end = 0;
      if (!skipping && read_account(line, account) && is_wanted(account, wanted))
        return true;
      skipping = false;
    }
    used -= (size_t)(line - buffer);
    memmove(buffer, line, used);
    skipping |= used == sizeof buffer - 1;
    used = skipping ? 0 : used;
  }
  buffer[used] = 0; // the last line may have no end
  return got == 0 && !skipping && read_account(buffer, account) && is_wanted(account, wanted);
}

static bool find_local(const Wanted *wanted, Account *account) {
  int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return false;
  bool found = find_in_file(fd, wanted, account);
  close(fd);
  return found;
}

static bool ask_name_service(const Wanted *wanted, Account *account) {
  const struct passwd *user = wanted->name ? getpwnam(wanted->name) : getpwuid(wanted->uid);
  if (!user)
    return false;
  account->uid = user->pw_uid;
  account->gid = user->pw_gid;
  return copy(account->name, sizeof account->name, user->pw_name) &&
         copy(account->home, sizeof account->home, user->pw_dir);
}

bool account_by_id(uid_t uid, Account *account) {
  Wanted wanted = {.uid = uid};
  return find_local(&wanted, account) || ask_name_service(&wanted, account);
}

bool account_by_name(const char *name, Account *account) {
  Wanted wanted = {.name = name};
  return find_local(&wanted, account) || ask_name_service(&wanted, account);
}
