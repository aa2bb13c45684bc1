// Loading, the protected call, tracebacks and exit codes.
#define _POSIX_C_SOURCE 200809L
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/nearest.h"
#include "complaint.h"
#include "library.h"
#include "missing_module.h"
#include "module_image.h"
#include "near_file.h"
#include "retry.h"
#include "signals.h"

enum { EXIT_ERROR = 1, EXIT_USAGE = 2, EXIT_LOST = 3 };

#define TRACEBACK "pghost.traceback"

// errno of an earlier call, if it can only be that of a write.
static int write_errno(int number) {
  static const int numbers[] = {ENOSPC, EDQUOT, EFBIG, EIO, EBADF};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (number == numbers[i])
      return number;
  return 0;
}

// Network file systems, and quotas, tell only on close what could not be written: closes a copy.
static bool stdout_settles(void) {
  int copy = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
  return copy < 0 || close(copy) == 0 || errno == EINTR || errno == EBADF;
}

int run_flush(bool succeeded) {
  int number = write_errno(errno);
  bool failed_before = ferror(stdout);
  bool fails = fflush(stdout) != 0 || !stdout_settles();
  if (!fails && !failed_before)
    return 0;
  if (fails)
    number = errno;
  if (number == EPIPE || signals_cause(true) == SIGPIPE)
    return 0; // the reader has seen enough
  Error error = {.message = "could not write all of the output"};
  if (number != 0)
    error_set_errno(&error, number, "could not write the output");
  clearerr(stdout);
  char message[sizeof error.message + 32];
  snprintf(message, sizeof message, "%s%s", error.message,
           succeeded ? " (all else succeeded)" : "");
  complaint_write(message, EXIT_ERROR);
  return EXIT_ERROR;
}

// Whether the value is an error object of scripts/pghost/lib/errors.lua: those explain themselves.
static bool is_error_object(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TTABLE || luaL_getmetafield(L, index, "__name") == LUA_TNIL)
    return false;
  const char *name = lua_tostring(L, -1);
  bool is = name && strcmp(name, "pghost.Error") == 0;
  lua_pop(L, 1);
  return is;
}

static int exit_of(lua_State *L, int index) {
  if (!is_error_object(L, index))
    return EXIT_ERROR;
  lua_getfield(L, index, "exit");
  lua_Integer code = lua_tointeger(L, -1);
  lua_pop(L, 1);
  return code > 0 && code < 256 ? (int)code : EXIT_ERROR;
}

// Message handler: notes where the error happened. The value is not changed, because handlers of
// __close that still run must see it.
static int note_traceback(lua_State *L) {
  luaL_traceback(L, L, NULL, 1);
  lua_setfield(L, LUA_REGISTRYINDEX, TRACEBACK);
  return 1;
}

static bool asks_for_traceback(void) {
  const char *wanted = getenv("PGHOST_TRACEBACK");
  return wanted && strcmp(wanted, "1") == 0;
}

static bool wants_traceback(lua_State *L, int status) {
  return status == LUA_ERRRUN && (!is_error_object(L, 1) || asks_for_traceback());
}

// explain(value, status): the text to print for an error value.
static int explain(lua_State *L) {
  bool with_traceback = wants_traceback(L, (int)lua_tointeger(L, 2));
  lua_settop(L, 1);
  if (!lua_isstring(L, 1) && !luaL_getmetafield(L, 1, "__tostring")) {
    lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
    lua_replace(L, 1);
  }
  luaL_gsub(L, luaL_tolstring(L, 1, NULL), "Cannot allocate memory", "out of memory");
  bool explains_itself = missing_module_shorten(L) && !asks_for_traceback();
  if (with_traceback && !explains_itself &&
      lua_getfield(L, LUA_REGISTRYINDEX, TRACEBACK) == LUA_TSTRING) {
    lua_pushliteral(L, "\n");
    lua_insert(L, -2);
    lua_concat(L, 3);
  }
  return 1;
}

// Reports the error value on top of the stack and pops it.
static int report(lua_State *L, int status) {
  int code = status == LUA_ERRRUN ? exit_of(L, lua_gettop(L)) : EXIT_ERROR;
  if (signals_cause(true) != 0) { // main reports it
    lua_pop(L, 1);
    return code;
  }
  if (is_error_object(L, -1) && retry_note(L, -1)) { // the library has said why
    lua_pop(L, 1);
    return code;
  }
  complaint_follow(L);
  lua_pushcfunction(L, explain);
  lua_pushvalue(L, -2);
  lua_pushinteger(L, status);
  lua_pcall(L, 2, 1, 0); // if that fails, too: that error
  if (code == EXIT_LOST && lua_type(L, -1) == LUA_TSTRING) {
    lua_pushstring(L, complaint_done());
    lua_concat(L, 2);
  }
  const char *text = lua_tostring(L, -1);
  complaint_write_error(L, -2, text ? text : "(error without a message)", code);
  lua_pop(L, 2);
  return code;
}

int run_call(lua_State *L, int arguments, int results) {
  int base = lua_gettop(L) - arguments;
  lua_pushcfunction(L, note_traceback);
  lua_insert(L, base);
  int status = lua_pcall(L, arguments, results, base);
  lua_remove(L, base);
  return status == LUA_OK ? 0 : report(L, status);
}

static const char chunk_name[] = "=(command line)";

// An expression is loaded so that it returns its values.
static int load_chunk(lua_State *L, const char *text) {
  lua_pushfstring(L, "return %s", text);
  int status = luaL_loadbuffer(L, lua_tostring(L, -1), lua_rawlen(L, -1), chunk_name);
  lua_remove(L, -2);
  if (status == LUA_OK)
    return status;
  lua_pop(L, 1);
  return luaL_loadbuffer(L, text, strlen(text), chunk_name);
}

// print(...) of the prompt: values as what they are.
static int print_values(lua_State *L) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "pghost.prompt.show");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "print");
  lua_replace(L, -2);
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, 0);
  return 0;
}

int run_chunk(lua_State *L, const char *text, bool prints) {
  int base = lua_gettop(L);
  if (load_chunk(L, text) != LUA_OK)
    return report(L, LUA_ERRSYNTAX);
  int code = run_call(L, 0, prints ? LUA_MULTRET : 0);
  if (code == 0 && lua_gettop(L) > base) {
    lua_pushcfunction(L, print_values);
    lua_insert(L, base + 1);
    code = run_call(L, lua_gettop(L) - base - 1, 0);
  }
  lua_settop(L, base);
  return code;
}

static int push_arguments(lua_State *L) {
  if (lua_getglobal(L, "arg") != LUA_TTABLE) {
    lua_pop(L, 1);
    return 0;
  }
  int table = lua_gettop(L);
  int count = (int)luaL_len(L, table);
  luaL_checkstack(L, count + 3, "too many arguments to script");
  for (int i = 1; i <= count; i++)
    lua_rawgeti(L, table, i);
  lua_remove(L, table);
  return count;
}

// Suggests the script probably meant by `path`, if that is not NULL.
static void complain_with_hint(const char *message, const char *path) {
  char found[512], text[2048];
  if (path && near_file(path, found, sizeof found))
    snprintf(text, sizeof text, "%s: did you mean '%s'?", message, found);
  else
    snprintf(text, sizeof text, "%s", message);
  complaint_write(text, EXIT_USAGE);
}

// A script that cannot be opened is a usage error; false after saying so.
static bool can_open(const char *path) {
  Error error;
  struct stat facts;
  FILE *file = fopen(path, "r");
  int number = errno;
  bool is_folder = file && fstat(fileno(file), &facts) == 0 && S_ISDIR(facts.st_mode);
  if (file)
    fclose(file);
  if (file && !is_folder)
    return true;
  error_set_errno(&error, is_folder ? EISDIR : number, "could not open script '%.800s'", path);
  complain_with_hint(error.message, !is_folder && number == ENOENT ? path : NULL);
  return false;
}

// Opening a named pipe just to look would eat what is in it.
static bool is_plain_file(const char *path) {
  struct stat facts;
  return stat(path, &facts) != 0 || S_ISREG(facts.st_mode) || S_ISDIR(facts.st_mode);
}

static bool ends_in_one_of(const char *name, size_t length, const char *const *endings) {
  for (; *endings; endings++) {
    size_t own = strlen(*endings);
    if (length > own && strncasecmp(name + length - own, *endings, own) == 0)
      return true;
  }
  return false;
}

static const char *const lua_endings[] = {".lua", NULL};

int run_script(lua_State *L, const char *path) {
  if (path && is_plain_file(path) && !can_open(path))
    return EXIT_USAGE;
  int status = luaL_loadfile(L, path);
  if (status == LUA_ERRSYNTAX && path && !ends_in_one_of(path, strlen(path), lua_endings)) {
    lua_pushfstring(L, " (not a Lua script? to load a file, `pghost load %s --into TABLE`)", path);
    lua_concat(L, 2);
  }
  if (status != LUA_OK)
    return report(L, LUA_ERRSYNTAX);
  return run_call(L, push_arguments(L), 0);
}

// Pushes the hint for an unknown command: the nearest one, or all of them.
static void push_commands(lua_State *L, const char *name) {
  LibraryCommand commands[LIBRARY_MOST_COMMANDS];
  const char *names[LIBRARY_MOST_COMMANDS];
  size_t count = library_commands(commands);
  luaL_Buffer list;
  for (size_t i = 0; i < count; i++)
    names[i] = commands[i].name;
  const char *meant = nearest_word(name, names, count);
  if (meant) {
    lua_pushfstring(L, "unknown command '%s': did you mean '%s'?", name, meant);
    return;
  }
  luaL_buffinit(L, &list);
  for (size_t i = 0; i < count; i++) {
    luaL_addstring(&list, i ? ", " : "");
    luaL_addstring(&list, names[i]);
  }
  luaL_pushresult(&list);
  lua_pushfstring(L, "unknown command '%s' (commands: %s)", name, lua_tostring(L, -1));
  lua_remove(L, -2);
}

static bool is_folder(const char *path) {
  struct stat facts;
  return stat(path, &facts) == 0 && S_ISDIR(facts.st_mode);
}

static int unknown_command(lua_State *L, const char *name) {
  if (!library_root())
    lua_pushliteral(L, "the Lua library is missing: no scripts/pghost above the binary and no "
                       "share/pghost beside it");
  else if (is_folder(name))
    lua_pushfstring(L,
                    "'%s' is a folder, not a script or a command: to load its CSV files, "
                    "`pghost load %s --into TABLE`",
                    name, name);
  else if (strchr(name, '/'))
    lua_pushfstring(L, "no script '%s'", name);
  else
    push_commands(L, name);
  complain_with_hint(lua_tostring(L, -1), strchr(name, '/') && !is_folder(name) ? name : NULL);
  lua_pop(L, 1);
  return EXIT_USAGE;
}

static bool is_sql(const char *name) {
  static const char *const endings[] = {".sql", NULL};
  return ends_in_one_of(name, strlen(name), endings);
}

bool run_is_data(const char *name) {
  static const char *const packed[] = {".gz", ".zst", ".xz", ".bz2", NULL};
  static const char *const data[] = {".csv", ".tsv", ".tab", ".psv", ".zip", NULL};
  size_t length = strlen(name);
  if (is_sql(name))
    return true;
  if (ends_in_one_of(name, length, packed))
    length -= strlen(strrchr(name, '.'));
  return ends_in_one_of(name, length, data);
}

int run_data(const char *name) {
  char message[1024];
  if (is_sql(name))
    snprintf(message, sizeof message,
             "'%.300s' is not a script or a command: to run its SQL, `pghost query -f %.300s`",
             name, name);
  else
    snprintf(message, sizeof message,
             "'%.300s' is not a script or a command: to see what is in it, `pghost sniff %.300s`; "
             "to load it, `pghost load %.300s --into TABLE`",
             name, name, name);
  complaint_write(message, EXIT_USAGE);
  return EXIT_USAGE;
}

int run_command(lua_State *L, const char *name, bool with_arguments) {
  if (!library_push_command(L, name))
    return unknown_command(L, name);
  int bad = module_image_load(L, lua_tostring(L, -2), lua_tostring(L, -1));
  lua_replace(L, -3); // chunk or message, name
  lua_pop(L, 1);
  if (bad)
    return report(L, LUA_ERRSYNTAX);
  int code = run_call(L, with_arguments ? push_arguments(L) : 0, 1);
  if (code != 0)
    return code;
  if (lua_isinteger(L, -1))
    code = (int)lua_tointeger(L, -1) & 0xff;
  lua_pop(L, 1);
  return code;
}
