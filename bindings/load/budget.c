// Error budgets: counted per block, looked at whenever the counts of a block are in.
#include "load/budget.h"

void budget_count_rule(const Engine *engine, Block *block, const char *rule) {
  for (size_t i = 0; i < engine->options.rule_budget_count; i++)
    if (strcmp(engine->options.rule_budgets[i].rule, rule) == 0)
      block->rule_rejects[i]++;
}

void budget_add_rules(Engine *engine, const Block *block) {
  for (size_t i = 0; i < engine->options.rule_budget_count; i++)
    engine->rule_rejects[i] += block->rule_rejects[i];
}

// What has been seen of something that has a budget.
typedef struct Seen {
  char what[300]; // for messages, "" for all
  Engine *engine;
  const Task *task; // NULL: all files
  uint64_t rejected, records;
} Seen;

// Records to hold a share of rejects against: as many as there are if they go on like this.
static double expected_records(const Seen *seen) {
  const Task *task = seen->task;
  double records = (double)seen->records;
  uint64_t bytes = task ? task_input_bytes(task) : engine_input_bytes(seen->engine);
  uint64_t expected = task ? task->file.expected_bytes : seen->engine->options.expected_bytes;
  return bytes > 0 && expected > bytes ? records * ((double)expected / (double)bytes) : records;
}

static bool over_share(double share, const Seen *seen) {
  return share < 1 && seen->records >= SHARE_FROM && seen->rejected > 0 &&
         (double)seen->rejected > share * expected_records(seen);
}

static bool holds(const RejectBudget *budget, const Seen *seen, Error *error) {
  if (seen->rejected > budget->limit)
    return error_set(error, "budget", "%smore than %llu rejected", seen->what,
                     (unsigned long long)budget->limit);
  if (over_share(budget->share, seen))
    return error_set(error, "budget",
                     "%s%llu of the first %llu records rejected, its budget allows %g%%",
                     seen->what, (unsigned long long)seen->rejected,
                     (unsigned long long)seen->records, budget->share * 100);
  return true;
}

static bool rules_hold(Engine *engine, Error *error) {
  for (size_t i = 0; i < engine->options.rule_budget_count; i++) {
    const RuleBudget *rule = &engine->options.rule_budgets[i];
    Seen seen = {
        .engine = engine, .rejected = engine->rule_rejects[i], .records = engine->total.records};
    snprintf(seen.what, sizeof seen.what, "rule '%s': ", rule->rule);
    if (!holds(&rule->allowed, &seen, error))
      return false;
  }
  return true;
}

static bool file_holds(Engine *engine, const Task *task, Error *error) {
  Seen seen = {.engine = engine,
               .task = task,
               .rejected = task->counts.rejected,
               .records = task->counts.records};
  snprintf(seen.what, sizeof seen.what, "%s: ", task->file.name);
  return holds(&task->file.rejects, &seen, error);
}

bool budget_holds(Engine *engine, const Task *task, Error *error) {
  Seen all = {
      .engine = engine, .rejected = engine->total.rejected, .records = engine->total.records};
  return holds(&engine->options.rejects, &all, error) && file_holds(engine, task, error) &&
         rules_hold(engine, error);
}
