// Error budgets: counted per block, checked whenever the counts of a block are in.
#include "load/budget.h"

#include "load/tasks.h"

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

// Bytes on the disk of what has been read and of all there is, less what comes before the records.
static void measure(const Seen *seen, double *read, double *all) {
  const Task *task = seen->task;
  Engine *engine = seen->engine;
  double start = (double)(task ? task_start_bytes(task) : tasks_start_bytes(engine));
  *read = (double)(task ? task_input_bytes(task) : tasks_input_bytes(engine)) - start;
  *all = (double)(task ? task->file.expected_bytes : engine->options.expected_bytes) - start;
}

// Whether a share is exceeded even if far more records follow than the pace so far suggests. For
// input of unknown size, or hardly begun (a compressed file is read ahead of its output), nothing
// can be said before its end.
static bool over_share(double share, const Seen *seen) {
  if (share >= 1 || seen->records < SHARE_FROM || seen->rejected == 0)
    return false;
  double read, all, records = (double)seen->records;
  measure(seen, &read, &all);
  if (all <= 0 || read < SHARE_FROM_BYTES)
    return false;
  double to_come = all > read ? records * (all - read) / read : 0;
  return (double)seen->rejected > share * (records + SHARE_MARGIN * to_come);
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
