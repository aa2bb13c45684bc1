// pghost: a Lua 5.4 host that turns CSV files into PostgreSQL tables. The life of the process:
// options, state, script or command or REPL, exit code.
#define _POSIX_C_SOURCE 200809L
#include <lauxlib.h>
#include <limits.h>
#include <locale.h>
#include <lua.h>
#include <lualib.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "complaint.h"
#include "lazy_conn.h"
#include "leave.h"
#include "library.h"
#include "module_search.h"
#include "native_modules.h"
#include "options.h"
#include "process_title.h"
#include "project.h"
#include "repl.h"
#include "retry.h"
#include "run.h"
#include "signals.h"
#include "standard_streams.h"

enum { LARGE_BUFFER = 1024 * 1024 };

typedef struct Job {
  int argc;
  char **argv;
  const Options *options;
  int exit_code;
} Job;

static bool ends_in_lua(const char *word) {
  size_t length = strlen(word);
  return length > 4 && strcmp(word + length - 4, ".lua") == 0;
}

// A first argument that ends in .lua, or is a file and not the name of a subcommand, is a script.
// So a file `load` beside the data is not what `pghost load` runs; `pghost ./load` runs it.
static bool is_script(const char *word) {
  struct stat facts;
  if (ends_in_lua(word) || strcmp(word, "-") == 0)
    return true;
  return !library_has_command(word) && stat(word, &facts) == 0 && !S_ISDIR(facts.st_mode);
}

// The script, if it is a file.
static const char *script_path(const Job *job) {
  const char *word = job->options->script ? job->argv[job->options->script] : NULL;
  return word && is_script(word) && strcmp(word, "-") != 0 ? word : NULL;
}

// The global table `arg` as lua.c sets it: the script at 0, its arguments after it, all else
// before.
static void set_arg(lua_State *L, const Job *job) {
  int script = job->options->script;
  lua_createtable(L, job->argc, 1);
  for (int i = 0; i < job->argc; i++) {
    lua_pushstring(L, job->argv[i]);
    lua_rawseti(L, -2, i - script);
  }
  lua_setglobal(L, "arg");
}

// os.exit([code [, close]]): as Lua's, but the state is closed unless `close` is false.
static int close_and_exit(lua_State *L) {
  int code = lua_isboolean(L, 1) ? !lua_toboolean(L, 1) : (int)luaL_optinteger(L, 1, 0);
  signals_detach();
  if (lua_isnoneornil(L, 2) || lua_toboolean(L, 2))
    lua_close(L);
  int flushed = run_flush(code == 0);
  leave(code ? code : flushed);
}

static void replace_exit(lua_State *L) {
  lua_getglobal(L, "os");
  lua_pushcfunction(L, close_and_exit);
  lua_setfield(L, -2, "exit");
  lua_pop(L, 1);
}

// The script in whose folder modules are searched: the one that runs; for chunks, stdin and the
// prompt that of the project. Commands require none.
static const char *home_of_modules(const Job *job, char *path, size_t size) {
  const char *word = job->options->script ? job->argv[job->options->script] : NULL;
  return word && strcmp(word, "-") != 0 ? script_path(job) : project_near(path, size);
}

static void prepare(lua_State *L, const Job *job) {
  char path[PATH_MAX];
  luaL_checkversion(L);
  luaL_openlibs(L);
  replace_exit(L);
  modules_preload(L, job->options, script_path(job));
  module_search_install(L, home_of_modules(job, path, sizeof path));
  set_arg(L, job);
  signals_install(L);
  lua_gc(L, LUA_GCGEN, 0, 0);
}

static int run_chunks(lua_State *L, const Options *options) {
  int code = 0;
  if (options->chunk_count > 0)
    lazy_conn_install(L);
  for (int i = 0; i < options->chunk_count && code == 0; i++)
    code = run_chunk(L, options->chunks[i], options->script == 0);
  return code;
}

static int run_word(lua_State *L, const char *word) {
  if (run_is_data(word))
    return run_data(word);
  if (!is_script(word))
    return run_command(L, word, true);
  lazy_conn_install(L);
  return run_script(L, strcmp(word, "-") == 0 ? NULL : word);
}

static int run_job(lua_State *L, const Job *job) {
  const Options *options = job->options;
  if (options->help || options->version)
    return run_command(L, options->help ? "help" : "version", false);
  bool terminal = isatty(STDIN_FILENO);
  bool nothing = options->script == 0 && options->chunk_count == 0;
  int code = run_chunks(L, options);
  if (code == 0 && options->script)
    code = run_word(L, job->argv[options->script]);
  if (code == 0 && nothing && !options->interactive && !terminal) {
    lazy_conn_install(L);
    code = run_script(L, NULL);
  }
  if (signals_cause(code != 0) != 0)
    return code;
  if (options->interactive || (nothing && terminal))
    code = repl_run(L, options->quiet);
  return code;
}

static int protected_main(lua_State *L) {
  Job *job = lua_touserdata(L, 1);
  prepare(L, job);
  job->exit_code = run_job(L, job);
  return 0;
}

// The exit code of an interrupted process; SIGPIPE exits silently.
static int interrupted_exit(int number) {
  if (number != SIGPIPE)
    complaint_write("interrupted", 128 + number);
  return 128 + number;
}

// Whether the script can be retried: input from stdin or the prompt is gone.
static bool is_repeatable(const Job *job) {
  const char *path = script_path(job);
  struct stat facts;
  return path && !job->options->interactive && stat(path, &facts) == 0 && S_ISREG(facts.st_mode);
}

static int run_once(Job *job) {
  lua_State *L = luaL_newstate();
  if (!L) {
    complaint_write("out of memory", 1);
    return 1;
  }
  lua_pushcfunction(L, protected_main);
  lua_pushlightuserdata(L, job);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
    complaint_write(lua_tostring(L, -1), 1);
    job->exit_code = 1;
  }
  complaint_follow(L);
  signals_detach();
  lua_close(L);
  int code = job->exit_code;
  int cause = signals_cause(code != 0);
  if (cause)
    return interrupted_exit(cause);
  int flushed = run_flush(code == 0);
  return code ? code : flushed;
}

static int run_state(Job *job) {
  retry_allow(is_repeatable(job));
  int code = run_once(job);
  while (retry_begin())
    code = run_once(job);
  int cause = signals_cause(code != 0); // of a signal while it waited
  return cause && code < 128 ? interrupted_exit(cause) : code;
}

// The words and their bytes in one allocation; NULL when out of memory.
static char **copy_words(int argc, char **argv) {
  size_t pointers = ((size_t)argc + 1) * sizeof *argv, bytes = 0;
  for (int i = 0; i < argc; i++)
    bytes += strlen(argv[i]) + 1;
  char **words = malloc(pointers + bytes);
  char *at = words ? (char *)words + pointers : NULL;
  for (int i = 0; i < argc && words; i++) {
    words[i] = at;
    at = stpcpy(at, argv[i]) + 1;
  }
  return words;
}

static int start(int argc, char **argv, const Options *options) {
  if (options->problem[0]) {
    complaint_write(options->problem, 2);
    return 2;
  }
  Job job = {.argc = argc, .argv = copy_words(argc, argv), .options = options};
  if (!job.argv) {
    complaint_write("out of memory", 1);
    return 1;
  }
  options_hide_secrets(options, argc, argv);
  char path[PATH_MAX];
  if (options->script)
    job.argv[options->script] = project_script(job.argv[options->script], path, sizeof path);
  int code = run_state(&job);
  free(job.argv);
  return code;
}

static void parse(Options *options, int *argc, char **argv) {
  options_parse(options, *argc, argv);
  if (options->script && !is_script(argv[options->script]))
    options_take_late(options, argc, argv);
}

// Large buffers go back to the system when they are freed: glibc would keep them from the second
// one on (M_MMAP_THRESHOLD in mallopt(3)).
static void give_back_memory(void) {
  mallopt(M_MMAP_THRESHOLD, LARGE_BUFFER);
}

int main(int argc, char **argv) {
  give_back_memory();
  if (!standard_streams_open())
    return 1;
  setlocale(LC_CTYPE, "");
  title_init(argc, argv);
  Options options;
  parse(&options, &argc, argv);
  complaint_use_json(options.log_format && strcmp(options.log_format, "json") == 0);
  int code = start(argc, argv, &options);
  options_free(&options);
  leave(code);
}
