// The keys that a load has had, so that records whose key came before are told from all others
// while they pass.
//
// It nominates and does not decide: of two records with one key the later one is nominated, unless
// the server alone knows that their keys are equal; so is, seldom, one whose key is new. In memory
// of 4 bytes a key, up to a bound; past it nothing is nominated any more. Thread-safe.
#ifndef PGHOST_LOAD_KEYS_H
#define PGHOST_LOAD_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/program.h"

typedef struct Keys Keys;

// `columns`: of the program, copied. `memory`: the bound in bytes. NULL: no memory.
Keys *keys_new(const uint32_t *columns, size_t count, size_t memory);
void keys_free(Keys *keys); // NULL is fine

// A number of the key of the record that has just passed.
uint64_t keys_hash(const Keys *keys, const Program *program, const Scratch *scratch);

// Looks up `count` numbers and adds those that are new. What was there is left in `hashes` as 0,
// what was new as 1. `expected`: how many keys there will be, as far as that is known. Returns how
// many were there.
size_t keys_look(Keys *keys, uint64_t *hashes, size_t count, uint64_t expected);

// Bytes that it holds now.
size_t keys_held(const Keys *keys);

// Whether every key was looked up: the bound was not reached.
bool keys_complete(const Keys *keys);

#endif
