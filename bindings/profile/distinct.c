// HyperLogLog: Flajolet, Fusy, Gandouet and Meunier, "HyperLogLog: the analysis of a near-optimal
// cardinality estimation algorithm", 2007; the estimate, which needs no tables against bias, is
// algorithm 6 of Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", 2017.
#include "profile/distinct.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

// With a lower floor too many hashes are below the limit: a processor would guess wrong too often.
enum { RANKS = 64 - DISTINCT_BITS, WORTH_TESTING = 4 };

static void find_floor(Distinct *distinct) {
  distinct->floor = RANKS + 1;
  for (int i = 0; i < DISTINCT_REGISTERS; i++) {
    unsigned rank = distinct->registers[i];
    if (rank < distinct->floor)
      distinct->at_floor = 0;
    distinct->floor = rank < distinct->floor ? rank : distinct->floor;
    distinct->at_floor += rank == distinct->floor;
  }
  distinct->limit = distinct->floor < WORTH_TESTING ? UINT64_MAX
                    : distinct->floor < 64          ? UINT64_MAX >> distinct->floor
                                                    : 0;
}

Distinct *distinct_new(void) {
  Distinct *distinct = calloc(1, sizeof *distinct);
  if (distinct)
    find_floor(distinct);
  return distinct;
}

void distinct_raise(Distinct *distinct, uint64_t hash) {
  uint8_t *place = &distinct->registers[hash >> (64 - DISTINCT_BITS)];
  bool at_floor = *place == distinct->floor;
  *place = distinct_rank(hash);
  if (at_floor && --distinct->at_floor == 0)
    find_floor(distinct);
}

void distinct_merge(Distinct *into, const Distinct *from) {
  for (int i = 0; i < DISTINCT_REGISTERS; i++)
    if (from->registers[i] > into->registers[i])
      into->registers[i] = from->registers[i];
  find_floor(into);
}

// Equation (17) of Ertl.
static double sigma(double x) {
  if (x >= 1)
    return HUGE_VAL;
  double y = 1, z = x, before;
  do {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  } while (z > before);
  return z;
}

// Equation (20).
static double tau(double x) {
  if (x <= 0 || x >= 1)
    return 0;
  double y = 1, z = 1 - x, before;
  do {
    x = sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  } while (z < before);
  return z / 3;
}

double distinct_estimate(const Distinct *distinct) {
  double m = DISTINCT_REGISTERS;
  int counts[RANKS + 2] = {0};
  for (int i = 0; i < DISTINCT_REGISTERS; i++)
    counts[distinct->registers[i]]++;
  double z = m * tau(1 - counts[RANKS + 1] / m);
  for (int k = RANKS; k >= 1; k--)
    z = 0.5 * (z + counts[k]);
  z += m * sigma(counts[0] / m);
  return m * m / (2 * log(2) * z);
}
