// The keys a load has seen, so that records with a repeated key are recognised as they pass.
//
// It nominates and does not decide: of two records with the same key the later one is nominated,
// unless only the server can tell that the keys are equal; rarely, a record with a new key is
// nominated too. Uses 4 bytes of memory per key up to a bound, beyond which nothing is nominated.
// Thread-safe.
#ifndef PGHOST_LOAD_KEYS_H
#define PGHOST_LOAD_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/program.h"

typedef struct Keys Keys;

// `columns`: of the program, copied. `memory`: the bound in bytes. NULL: out of memory.
Keys *keys_new(const uint32_t *columns, size_t count, size_t memory);
void keys_free(Keys *keys); // NULL is fine

// A hash of the key of the record that just passed.
uint64_t keys_hash(const Keys *keys, const Program *program, const Scratch *scratch);

// Looks up `count` hashes and adds the new ones. In `hashes` known ones become 0 and new ones 1.
// `expected`: an estimate of the total number of keys. Returns how many were known.
size_t keys_look(Keys *keys, uint64_t *hashes, size_t count, uint64_t expected);

// Bytes currently held.
size_t keys_held(const Keys *keys);

// Whether every key was looked up: the bound was not reached.
bool keys_complete(const Keys *keys);

#endif
