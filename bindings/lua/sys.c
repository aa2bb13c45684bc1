// pghost.native.sys: the few facts about the system that neither Lua nor lua-filesystem gives.
//
// Functions only, no userdata. Not a place for file or process handling: use lfs and penlight.
#define _GNU_SOURCE // struct winsize, O_TMPFILE, mkostemp
#include <csv.h>
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <lua.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/account.h"
#include "base/error.h"
#include "base/interrupt.h"
#include "lua/native.h"

// sys.clock() -> number: seconds of a clock that never goes back.
static int sys_clock(lua_State *L) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  lua_pushnumber(L, (lua_Number)now.tv_sec + (lua_Number)now.tv_nsec / 1e9);
  return 1;
}

// sys.sleep(seconds): returns early when a signal arrives.
static int sys_sleep(lua_State *L) {
  lua_Number seconds = luaL_checknumber(L, 1);
  luaL_argcheck(L, seconds >= 0 && seconds < 1e9, 1, "seconds from 0 expected");
  struct timespec wait = {.tv_sec = (time_t)seconds};
  wait.tv_nsec = (long)((seconds - (lua_Number)wait.tv_sec) * 1e9);
  nanosleep(&wait, NULL);
  return 0;
}

// sys.is_tty(fd) -> boolean
static int sys_is_tty(lua_State *L) {
  lua_pushboolean(L, isatty((int)luaL_checkinteger(L, 1)));
  return 1;
}

// sys.columns(fd) -> integer|nil: width of the terminal, nil when it is none.
static int sys_columns(lua_State *L) {
  struct winsize size;
  if (ioctl((int)luaL_checkinteger(L, 1), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
    return 0;
  lua_pushinteger(L, size.ws_col);
  return 1;
}

// sys.lines(fd) -> integer|nil: height of the terminal, nil when it is none.
static int sys_lines(lua_State *L) {
  struct winsize size;
  if (ioctl((int)luaL_checkinteger(L, 1), TIOCGWINSZ, &size) != 0 || size.ws_row == 0)
    return 0;
  lua_pushinteger(L, size.ws_row);
  return 1;
}

// sys.processors() -> integer: processors online.
static int sys_processors(lua_State *L) {
  lua_pushinteger(L, sysconf(_SC_NPROCESSORS_ONLN));
  return 1;
}

// sys.pid() -> integer
static int sys_pid(lua_State *L) {
  lua_pushinteger(L, getpid());
  return 1;
}

// sys.user() -> string: name of the user who runs this process; its number when it has none.
static int sys_user(lua_State *L) {
  Account user;
  if (account_by_id(geteuid(), &user))
    lua_pushstring(L, user.name);
  else
    lua_pushfstring(L, "%I", (LUAI_UACINT)geteuid());
  return 1;
}

// sys.interrupted() -> integer|nil: the signal that asked us to stop.
static int sys_interrupted(lua_State *L) {
  if (interrupt_signal == 0)
    return 0;
  lua_pushinteger(L, interrupt_signal);
  return 1;
}

// A file that has no name, not even for a moment where the file system can do that.
static int open_unnamed(const char *folder) {
  int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
    return fd;
  char path[PATH_MAX];
  int len = snprintf(path, sizeof path, "%s/pghost.XXXXXX", folder);
  if (len < 0 || (size_t)len >= sizeof path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  fd = mkostemp(path, O_CLOEXEC);
  if (fd >= 0)
    unlink(path);
  return fd;
}

static int close_stream(lua_State *L) {
  luaL_Stream *stream = luaL_checkudata(L, 1, LUA_FILEHANDLE);
  return luaL_fileresult(L, fclose(stream->f) == 0, NULL);
}

// sys.temporary_file() -> file, path | nil, message, code: an empty file in TMPDIR (else /tmp) that
// is open for writing and reading and has no name, so that it is gone with the process, however
// that ends. `path` opens it once more, in this process, while `file` is open.
static int sys_temporary_file(lua_State *L) {
  const char *folder = getenv("TMPDIR");
  folder = folder && folder[0] ? folder : "/tmp";
  luaL_Stream *stream = lua_newuserdatauv(L, sizeof *stream, 0);
  stream->closef = NULL; // closed, so far
  luaL_setmetatable(L, LUA_FILEHANDLE);
  int fd = open_unnamed(folder);
  stream->f = fd >= 0 ? fdopen(fd, "w+b") : NULL;
  if (!stream->f) {
    int problem = errno;
    if (fd >= 0)
      close(fd);
    Error error;
    error_set_errno(&error, problem, "could not create a temporary file in '%s'", folder);
    luaL_pushfail(L);
    lua_pushstring(L, error.message);
    lua_pushliteral(L, "EIO");
    return 3;
  }
  stream->closef = close_stream;
  lua_pushfstring(L, "/proc/self/fd/%d", fd);
  return 2;
}

// sys.create(path) -> file | nil, message, number: a new file, open for writing. Nothing that is
// there is written to: not what a link that somebody else has put there leads to.
static int sys_create(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  luaL_Stream *stream = lua_newuserdatauv(L, sizeof *stream, 0);
  stream->closef = NULL; // closed, so far
  luaL_setmetatable(L, LUA_FILEHANDLE);
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  stream->f = fd >= 0 ? fdopen(fd, "wb") : NULL;
  if (!stream->f) {
    int problem = errno;
    if (fd >= 0)
      close(fd);
    errno = problem;
    return luaL_fileresult(L, 0, path);
  }
  stream->closef = close_stream;
  return 1;
}

// sys.sync(file) -> true | nil, message, code: what was written is on the disk. Where nothing can
// be synced (a pipe), there is nothing to be lost.
static int sys_sync(lua_State *L) {
  luaL_Stream *stream = luaL_checkudata(L, 1, LUA_FILEHANDLE);
  luaL_argcheck(L, stream->closef, 1, "the file is closed");
  bool good = fflush(stream->f) == 0 &&
              (fsync(fileno(stream->f)) == 0 || errno == EINVAL || errno == EROFS);
  return luaL_fileresult(L, good, NULL);
}

static bool write_whole(int fd, const char *text, size_t len) {
  while (len > 0) {
    ssize_t written = write(fd, text, len);
    if (written < 0 && errno != EINTR)
      return false;
    text += written > 0 ? written : 0;
    len -= written > 0 ? (size_t)written : 0;
  }
  return true;
}

// After what is there, and nobody else's text in between. Takes back what could not be written to
// its end; where that is not possible (a pipe), there is nothing to take back.
static bool append_whole(int fd, const char *text, size_t len) {
  while (flock(fd, LOCK_EX) != 0 && errno == EINTR)
    ;
  off_t before = lseek(fd, 0, SEEK_END);
  if (write_whole(fd, text, len) && (fsync(fd) == 0 || errno == EINVAL || errno == EROFS))
    return true;
  int problem = errno;
  while (before >= 0 && ftruncate(fd, before) != 0 && errno == EINTR)
    ;
  errno = problem;
  return false;
}

// sys.append(path, text) -> true | nil, message, number: appends to a file, or to a new one, all of
// it or nothing.
static int sys_append(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  size_t len;
  const char *text = luaL_checklstring(L, 2, &len);
  int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0)
    return luaL_fileresult(L, 0, path);
  bool good = append_whole(fd, text, len);
  int problem = errno;
  bool closed = close(fd) == 0;
  errno = good ? errno : problem;
  return luaL_fileresult(L, good && closed, path);
}

// sys.versions() -> table: the versions of libraries, as "3.0.3"; libpq's is in native.conn.
static int sys_versions(lua_State *L) {
  lua_createtable(L, 0, 1);
  lua_pushfstring(L, "%d.%d.%d", CSV_MAJOR, CSV_MINOR, CSV_RELEASE);
  lua_setfield(L, -2, "libcsv");
  return 1;
}

static const luaL_Reg functions[] = {
    {"clock", sys_clock},       {"sleep", sys_sleep},   {"is_tty", sys_is_tty},
    {"columns", sys_columns},   {"lines", sys_lines},   {"processors", sys_processors},
    {"pid", sys_pid},           {"user", sys_user},     {"interrupted", sys_interrupted},
    {"create", sys_create},     {"sync", sys_sync},     {"temporary_file", sys_temporary_file},
    {"versions", sys_versions}, {"append", sys_append}, {NULL, NULL},
};

int luaopen_pghost_native_sys(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
