// pghost.native.remote: objects behind URLs. Loading it registers the opener of URLs; it is a
// shared object of its own, since libcurl brings twenty libraries that a load of files should not
// wait for.
#include <lauxlib.h>
#include <lua.h>
#include <string.h>

#include "lua/failure.h"
#include "lua/native.h"
#include "remote/listing.h"
#include "remote/location.h"
#include "remote/object.h"
#include "remote/upload.h"

static int push_keys(lua_State *L) {
  const Buffer *keys = lua_touserdata(L, 1);
  lua_newtable(L);
  lua_Integer count = 0;
  for (size_t at = 0; at < keys->len; at += strlen(keys->data + at) + 1) {
    lua_pushstring(L, keys->data + at);
    lua_rawseti(L, -2, ++count);
  }
  return 1;
}

static int push_buffer(lua_State *L) {
  const Buffer *text = lua_touserdata(L, 1);
  lua_pushlstring(L, text->len > 0 ? text->data : "", text->len);
  return 1;
}

// Pushes what `push` makes of the buffer, which is freed whatever happens.
static int push_and_free(lua_State *L, lua_CFunction push, Buffer *buffer) {
  lua_pushcfunction(L, push);
  lua_pushlightuserdata(L, buffer);
  int status = lua_pcall(L, 1, 1, 0);
  buffer_free(buffer);
  return status == LUA_OK ? 1 : lua_error(L);
}

// remote.list(prefix, shallow?) -> the keys of the objects below "s3://BUCKET/PREFIX" |
// nil, message, code
static int remote_list(lua_State *L) {
  const char *prefix = luaL_checkstring(L, 1);
  Error error;
  Buffer keys = {0};
  if (listing_read(prefix, lua_toboolean(L, 2), &keys, &error))
    return push_and_free(L, push_keys, &keys);
  buffer_free(&keys);
  return push_failure(L, &error);
}

// remote.upload(file, url) -> true | nil, message, code
static int remote_upload(lua_State *L) {
  Error error;
  if (!upload_file(luaL_checkstring(L, 1), luaL_checkstring(L, 2), &error))
    return push_failure(L, &error);
  lua_pushboolean(L, true);
  return 1;
}

// remote.shown(url) -> the URL without what in its query looks secret
static int remote_shown(lua_State *L) {
  Buffer shown = {0};
  location_show(luaL_checkstring(L, 1), &shown);
  if (shown.failed) {
    buffer_free(&shown);
    return luaL_error(L, "out of memory");
  }
  return push_and_free(L, push_buffer, &shown);
}

EXPORTED int luaopen_pghost_native_remote(lua_State *L);

int luaopen_pghost_native_remote(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"list", remote_list}, {"upload", remote_upload}, {"shown", remote_shown}, {NULL, NULL}};
  input_set_opener(object_open);
  luaL_newlib(L, functions);
  return 1;
}
