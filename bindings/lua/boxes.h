// The userdata that more than one Lua-facing file needs to look into, and their type names.
//
// A box is created closed (all zero) with its metatable before the resource is acquired.
#ifndef PGHOST_LUA_BOXES_H
#define PGHOST_LUA_BOXES_H

#include "csv/cursor.h"
#include "csv/source.h"
#include "profile/profile.h"
#include "rules/program.h"

#define SOURCE_TYPE "pghost.native.source"
#define PROGRAM_TYPE "pghost.native.program"
#define PROFILE_TYPE "pghost.native.profile"

typedef struct SourceBox {
  Source *source; // NULL: closed, or taken over by a load
  Cursor *cursor; // NULL until source:records(): records were handed out, so no load may take it
} SourceBox;

// The Lua functions of rules written in Lua are in the userdata's first user value, a list; index 0
// holds the row for rules over whole records.
typedef struct ProgramBox {
  Program *program;   // NULL: closed
  bool stop_on_error; // an error in a rule written in Lua ends the load, rather than reject
} ProgramBox;

// The program is the userdata's first user value.
typedef struct ProfileBox {
  Profile *profile; // NULL: out of memory
} ProfileBox;

#endif
