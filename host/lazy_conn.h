// The global `conn`: a connection to the database, opened when it is first used.
#ifndef PGHOST_HOST_LAZY_CONN_H
#define PGHOST_HOST_LAZY_CONN_H

#include <lua.h>

// For scripts, chunks and the prompt. A script's own `conn` comes first; a second call is fine.
void lazy_conn_install(lua_State *L);

#endif
