// The one row, reused, that rules over whole records get.
#ifndef PGHOST_LUA_RULES_RECORD_H
#define PGHOST_LUA_RULES_RECORD_H

#include <lua.h>

#include "rules/program.h"

// Reads the record of a scratch while a rule runs.
typedef struct RecordBox {
  const Program *program;
  const Scratch *scratch; // NULL: no rule is running
} RecordBox;

// Creates the metatable; once.
void lua_record_open(lua_State *L);

// Pushes a new row for the program, which must outlive it.
RecordBox *lua_record_push(lua_State *L, const Program *program);

#endif
