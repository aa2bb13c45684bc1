// The library's modules, compiled when pghost was built: parsing them takes longer than everything
// else a short command does.
//
// The image lies beside the native module and is trusted as much. It holds bytecode and no source:
// a module is taken from it only while its file still has the length and hash it was compiled from,
// so an edited file takes effect. Files of scripts never come from here. host/compile_modules.lua
// writes it.
#ifndef PGHOST_HOST_MODULE_IMAGE_H
#define PGHOST_HOST_MODULE_IMAGE_H

#include <lua.h>
#include <stdbool.h>

// Pushes the function of the library's file `path`, which is `name` below scripts/
// (pghost/run.lua): compiled as luaL_loadfile does, or from the image. Returns the status of
// luaL_loadfile, and pushes a message if that is not LUA_OK. Accepts only text as source.
int module_image_load(lua_State *L, const char *path, const char *name);

// What bytecode depends on: the release of the Lua that runs.
const char *module_image_release(void);

#endif
