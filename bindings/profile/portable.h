// A profile as bytes, so that what one process has seen can be merged by another one later.
//
// The bytes say which version of the format and which columns they are of. Reading trusts nothing:
// bytes that were changed give an error or other numbers, and never touch foreign memory.
#ifndef PGHOST_PROFILE_PORTABLE_H
#define PGHOST_PROFILE_PORTABLE_H

#include "profile/profile.h"

typedef enum ProfileState {
  PROFILE_STATE_GOOD,
  PROFILE_STATE_OTHER,   // of another version, or of other columns
  PROFILE_STATE_DAMAGED, // cut or changed
  PROFILE_STATE_NO_MEMORY,
} ProfileState;

// Appends the state. False: out of memory, or the profile itself ran out of it.
bool profile_state_write(const Profile *profile, Buffer *out);

// Merges a state into a profile as profile_merge does. Unless it is GOOD, nothing has changed.
ProfileState profile_state_add(Profile *into, const char *bytes, size_t len);

#endif
