// Error budgets: how many records a load, a file or a rule may reject before the load fails. For
// load/ only; the settings are in types.h.
#ifndef PGHOST_LOAD_BUDGET_H
#define PGHOST_LOAD_BUDGET_H

#include "load/shared.h"

// Counts a reject of the block under its rule, if the rule has a budget.
void budget_count_rule(const Engine *engine, Block *block, const char *rule);

// Adds the block's rejects to the totals of its rules. The lock is held.
void budget_add_rules(Engine *engine, const Block *block);

// Whether everything is within its budget, now that the counts of a block of `task` are in. False:
// error filled, code "budget". The lock is held.
bool budget_holds(Engine *engine, const Task *task, Error *error);

#endif
