-- The short transaction: plans all of its statements, takes the locks and runs them.

local behaviour = require "pghost.publish.behaviour"
local dependents = require "pghost.publish.dependents"
local errors = require "pghost.lib.errors"
local foreign_keys = require "pghost.publish.foreign_keys"
local indexes = require "pghost.publish.indexes"
local locks = require "pghost.publish.locks"
local names = require "pghost.publish.renaming"
local partitions = require "pghost.publish.partition_subjects"
local rights = require "pghost.publish.rights"
local statements = require "pghost.publish.script"
local subjects = require "pghost.publish.subjects"
local sys = require "pghost.native.sys"
local views = require "pghost.publish.views"

local M = {}

--- Raises that something was changed concurrently.
---@param options pghost.publish.Options
function M.raise_changed(options)
  errors.raise(("cannot publish into '%s': concurrent change of its tables or of what depends on them: "
    .. "try again"):format(options.target), "changed")
end

local function move(prepared, options, conn)
  local list = statements.new()
  local target = conn:query("SELECT quote_ident($1) AS name", options.target)[1].name
  local old = {}
  local going = dependents.literal((subjects.published(prepared.subjects)))
  for _, subject in ipairs(prepared.subjects) do
    if subject.oid and (not subject.part_of or subject.attach) then
      old[#old + 1] = subject.qualified
    end
    list:append(names.free(conn, subject, options.target, going))
  end
  if #old > 0 then
    list:add("the old tables", "DROP TABLE " .. table.concat(old, ", "))
  end
  for _, subject in ipairs(prepared.subjects) do
    list:add(("table '%s'"):format(subject.name), "ALTER TABLE %s SET SCHEMA %s", subject.built, target)
  end
  list:append(partitions.attach(prepared.subjects))
  return list
end

local function revive(conn, prepared, options, sequences)
  local list = statements.new()
  for _, subject in ipairs(prepared.subjects) do
    if subject.oid then
      list:append(sequences[subject.oid])
      list:append(behaviour.policies(conn, subject.oid, subject.qualified))
      list:append(behaviour.triggers(conn, subject.oid, subject.qualified))
      list:append(behaviour.row_security(conn, subject.oid, subject.qualified))
      list:append(indexes.place_statistics(conn, subject, prepared.quoted_build))
      list:append(behaviour.publications(conn, subject.oid, subject.qualified))
    else
      list:append(rights.defaults(conn, options.target, subject.qualified))
    end
  end
  return list
end

local function outside_policies(conn, prepared)
  local before, after = statements.new(), statements.new()
  for _, oid in ipairs(prepared.found.policies) do
    local row = conn:query([[
      SELECT p.polrelid AS relation, format('%I.%I', n.nspname, c.relname) AS name, quote_ident(p.polname) AS policy
      FROM pg_policy AS p JOIN pg_class AS c ON c.oid = p.polrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
      WHERE p.oid = $1::oid]], oid)[1]
    before:add(("policy %s of '%s'"):format(row.policy, row.name), "DROP POLICY %s ON %s", row.policy, row.name)
    after:append(behaviour.policies(conn, row.relation, row.name, oid))
  end
  return before, after
end

-- All statements of the short transaction, in their order.
local function plan(conn, prepared, options)
  local _, built = subjects.published(prepared.subjects)
  local list, before_drop, sequences_after = statements.new(), statements.new(), {}
  for _, subject in ipairs(prepared.subjects) do
    if subject.oid then
      local before, after = behaviour.sequences(conn, subject, function(oid, name)
        return rights.of(conn, "SEQUENCE", oid, name)
      end)
      before_drop:append(before)
      before_drop:append(behaviour.drop(conn, subject.oid, subject.qualified))
      sequences_after[subject.oid] = after
    end
  end
  local keys_before, keys_after = foreign_keys.add_outside(conn, prepared.keys, built)
  local policies_before, policies_after = outside_policies(conn, prepared)
  for _, part in ipairs {
    keys_before, policies_before, before_drop, views.drop(prepared.views), move(prepared, options, conn),
    keys_after, views.place(conn, prepared.views, prepared.quoted_build),
    revive(conn, prepared, options, sequences_after), policies_after, views.refresh(prepared.views),
  } do
    list:append(part)
  end
  return list
end

-- The part that readers wait for: takes the locks, checks again, and runs the plan, in one round trip; statement by
-- statement to see what fails, and on Citus, which refuses scripts that change distributed tables.
local function exchange(conn, options, work)
  local budget, started = options.lock_budget or 50, sys.clock()
  locks.take(conn, work.names, "ACCESS EXCLUSIVE", budget)
  if dependents.quick_state(conn, work.reached) ~= work.state then
    M.raise_changed(options)
  end
  locks.limit(conn, budget)
  if work.one_by_one or options.cluster then
    work.list:run(conn, options.target)
  else
    conn:exec(work.list:script())
  end
  work.locked = sys.clock() - started
end

-- The same with what a cluster needs: a statement that waits for a lock of another node ends only by its timeout.
local function exchange_on_nodes(conn, options, work)
  locks.limit_nodes(conn, (options.lock_wait or 60) * 1000)
  local done, problem = pcall(exchange, conn, options, work)
  if not done and errors.is(problem) and problem.code == "57014" and not sys.interrupted() then
    problem.code = "55P03" -- as if it had been a lock of this one
  end
  if not done then
    error(problem, 0)
  end
end

-- Everything the short transaction needs to know.
---@return { list: pghost.publish.Statements, names: string[], reached: table, busy: string, state: string }
local function plan_work(conn, prepared, options, oids)
  local locked, replaced = { table.unpack(prepared.outside_names) }, { table.unpack(oids) }
  for _, subject in ipairs(prepared.subjects) do
    -- The lock of a partitioned table that is replaced is that of its partitions too.
    if subject.oid and (not subject.part_of or subject.attach) then
      locked[#locked + 1] = subject.qualified
    end
  end
  for _, one in ipairs(options.exchanges or {}) do
    replaced[#replaced + 1] = one.oid
  end
  table.move(partitions.wholes(options), 1, #partitions.wholes(options), #locked + 1, locked)
  table.sort(locked)
  for _, object in ipairs(prepared.found.objects) do
    replaced[#replaced + 1] = object.oid
  end
  local busy = table.move(prepared.outside, 1, #prepared.outside, #replaced + 1, { table.unpack(replaced) })
  local done, list = pcall(plan, conn, prepared, options)
  if not done and errors.is(list) and list.code == "55P03" then
    locks.raise_busy(conn, dependents.literal(busy), options.lock_wait or 60)
  elseif not done then
    error(list, 0)
  end
  local reached = prepared.found.reached
  local state = dependents.quick_state(conn, reached)
  if dependents.state(conn, oids, options.build) ~= prepared.state then
    M.raise_changed(options)
  end
  return { names = locked, reached = reached, busy = dependents.literal(busy), state = state, list = list }
end

local kept_codes = { ["55P03"] = true, changed = true, interrupted = true }

--- Puts the built tables in the place of the published ones. Must run inside a transaction, with an
--- empty search path; sets prepared.locked.
---@param conn pghost.Connection
---@param prepared pghost.publish.Prepared
---@param options pghost.publish.Options
---@param oids string[] of the published tables
function M.run(conn, prepared, options, oids)
  local work = plan_work(conn, prepared, options, oids)
  if options.old_snapshots ~= "ignore" then
    locks.wait_for_snapshots(conn, options, prepared.at)
  end
  local function try()
    locks.try(conn, options, work.busy, function()
      (options.cluster and exchange_on_nodes or exchange)(conn, options, work)
    end)
  end
  local ok, problem = pcall(try)
  if ok then
    prepared.locked = work.locked
    return
  elseif not errors.is(problem) or kept_codes[problem.code] or problem.exit == 3 then
    error(problem, 0)
  end
  work.one_by_one = true
  try()
end

return M
