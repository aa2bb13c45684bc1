// pghost.native.server: the private server for Lua. Functions only; what they do is in lifecycle.c.
#include <lauxlib.h>
#include <lua.h>

#include "lifecycle.h"
#include "lua/native.h"
#include "progress.h"

EXPORTED int luaopen_pghost_native_server(lua_State *L);

static int fail(lua_State *L, const Error *error) {
  lua_pushnil(L);
  lua_pushstring(L, error->message);
  lua_pushstring(L, error->code);
  return 3;
}

static int ensure(lua_State *L, bool keep) {
  char conninfo[SERVER_CONNINFO_SIZE];
  Error error = {0};
  if (!server_ensure(keep, conninfo, &error))
    return fail(L, &error);
  lua_pushstring(L, conninfo);
  return 1;
}

// server.ensure() -> conninfo | nil, message, code
static int server_ensure_lua(lua_State *L) {
  return ensure(L, false);
}

// server.start() -> conninfo | nil, message, code: and it stays until server.stop.
static int server_start_lua(lua_State *L) {
  return ensure(L, true);
}

// server.stop([force]) -> "stopped" | "not running" | "in use" | nil, message, code
static int server_stop_lua(lua_State *L) {
  static const char *const words[] = {"stopped", "not running", "in use"};
  Error error = {0};
  StopResult result = server_stop(lua_toboolean(L, 1), &error);
  if (result == STOP_FAILED)
    return fail(L, &error);
  lua_pushstring(L, words[result]);
  return 1;
}

static void set_string(lua_State *L, const char *name, const char *value) {
  lua_pushstring(L, value);
  lua_setfield(L, -2, name);
}

static void set_boolean(lua_State *L, const char *name, bool value) {
  lua_pushboolean(L, value);
  lua_setfield(L, -2, name);
}

// The functions below fill a table made beforehand in a protected call, so that a memory error
// cannot leak the place.
static int fill_status(lua_State *L) {
  static const char *const states[] = {"absent", "stopped", "running"};
  const ServerPlace *place = lua_touserdata(L, 1);
  const ServerStatus *status = lua_touserdata(L, 2);
  lua_createtable(L, 0, 9);
  set_string(L, "state", states[status->state]);
  set_string(L, "folder", place->folder);
  set_string(L, "data", place->data);
  lua_pushfstring(L, "%s/server.log", place->data);
  lua_setfield(L, -2, "log");
  if (status->version > 0) {
    lua_pushinteger(L, status->version);
    lua_setfield(L, -2, "version");
  }
  if (status->bytes >= 0) {
    lua_pushinteger(L, status->bytes);
    lua_setfield(L, -2, "bytes");
  }
  set_string(L, "socket", place->socket_folder);
  set_boolean(L, "kept", status->kept);
  set_boolean(L, "in_use", status->in_use);
  return 1;
}

static int fill_env(lua_State *L) {
  const ServerPlace *place = lua_touserdata(L, 1);
  lua_createtable(L, 0, 5);
  set_string(L, "PGHOST", place->socket_folder);
  set_string(L, "PGPORT", "5432");
  set_string(L, "PGDATABASE", "pghost");
  set_string(L, "PGUSER", "pghost");
  set_string(L, "PGREQUIREPEER", place->owner.name);
  return 1;
}

static int push_filled(lua_State *L, lua_CFunction fill, ServerPlace *place, ServerStatus *status) {
  lua_pushcfunction(L, fill);
  lua_pushlightuserdata(L, place);
  lua_pushlightuserdata(L, status);
  int bad = lua_pcall(L, 2, 1, 0);
  place_free(place);
  return bad ? lua_error(L) : 1;
}

// server.status() -> {state=, folder=, data=, log=, socket=, version=, bytes=, kept=, in_use=} |
// nil, message, code
static int server_status_lua(lua_State *L) {
  ServerPlace place;
  ServerStatus status;
  Error error = {0};
  Error no_socket;
  bool ok = place_find(&place, &error);
  if (ok)
    place_socket(&place, false, &no_socket);
  if (ok && server_status(&place, &status, &error))
    return push_filled(L, fill_status, &place, &status);
  place_free(&place);
  return fail(L, &error);
}

// server.env() -> {PGHOST=, PGPORT=, PGDATABASE=, PGUSER=, PGREQUIREPEER=} | nil, message, code
static int server_env_lua(lua_State *L) {
  ServerPlace place;
  Error error = {0};
  if (place_find(&place, &error) && place_socket(&place, false, &error))
    return push_filled(L, fill_env, &place, NULL);
  place_free(&place);
  return fail(L, &error);
}

static const luaL_Reg functions[] = {
    {"ensure", server_ensure_lua}, {"start", server_start_lua}, {"stop", server_stop_lua},
    {"status", server_status_lua}, {"env", server_env_lua},     {NULL, NULL},
};

// --quiet is the host's to say.
static bool is_quiet(lua_State *L) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "pghost.native.host");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "options");
  lua_getfield(L, -1, "quiet");
  bool quiet = lua_toboolean(L, -1);
  lua_pop(L, 3);
  return quiet;
}

int luaopen_pghost_native_server(lua_State *L) {
  progress_set_quiet(is_quiet(L));
  luaL_newlib(L, functions);
  return 1;
}
