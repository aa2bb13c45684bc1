// The native modules a state starts with, and what the host tells scripts about itself.
#ifndef PGHOST_HOST_NATIVE_MODULES_H
#define PGHOST_HOST_NATIVE_MODULES_H

#include <lua.h>

#include "options.h"

// Makes the native modules available to `require`. `options` must live as long as the state.
void modules_preload(lua_State *L, const Options *options, const char *script);

#endif
