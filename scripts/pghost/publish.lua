-- Makes built tables visible: puts them in the place of the published ones, with everything that
-- hangs on those.
--
-- Two steps. prepare() carries over to the built tables what costs time (indexes, constraints,
-- foreign keys, materialized views with their data), while readers read on. swap() then takes the
-- locks, looks that nothing has changed since, drops the old tables and moves the new ones: some
-- milliseconds, in the caller's transaction, so that everything becomes visible at once or nothing.
-- docs/PUBLISHING.md says what survives, what is refused, and which rights it takes.

local as_built = require "pghost.publish.as_built"
local behaviour = require "pghost.publish.behaviour"
local columns = require "pghost.publish.columns"
local dependents = require "pghost.publish.dependents"
local errors = require "pghost.errors"
local foreign_keys = require "pghost.publish.foreign_keys"
local indexes = require "pghost.publish.indexes"
local locks = require "pghost.publish.locks"
local rights = require "pghost.publish.rights"
local statements = require "pghost.publish.statements"
local sys = require "pghost.native.sys"
local views = require "pghost.publish.views"

local M = {}

---@class pghost.publish.Options: pghost.publish.LockOptions
---@field build string schema the tables are in
---@field target string schema they go to
---@field tables string[]
---@field old_snapshots? "wait"|"ignore" transactions that would find the new tables empty are waited for
---@field prepared? pghost.publish.Prepared what prepare() returned; without it swap prepares itself

---@class pghost.publish.Subject
---@field name string
---@field qualified string quoted name of the published table
---@field built string quoted name of the built one
---@field build string
---@field kind "r"
---@field oid? string of the published table, nil when there is none
---@field new string oid of the built table
---@field facts table what the built table is before anything is carried over
---@field as_built pghost.publish.AsBuilt what the published one was then

---@class pghost.publish.Prepared
---@field gone table<string, string[]> columns of published tables that the built ones have not, by table
---@field at string when it was done
---@field locked? number after swap: seconds that it held the locks

local subject_query = [[
SELECT o.oid, n.oid AS new,
  format('%I.%I', $2::text, $3::text) AS qualified, format('%I.%I', $1::text, $3::text) AS built,
  o.relkind::text AS kind, n.relkind::text AS new_kind, coalesce(o.relispartition, false) AS is_partition,
  coalesce(o.relrowsecurity, false) AS row_security, coalesce(o.reloftype, 0) <> 0 AS is_typed,
  EXISTS (SELECT FROM pg_inherits WHERE inhparent = o.oid) AS is_parent,
  EXISTS (SELECT FROM pg_inherits WHERE inhrelid = o.oid) AS is_child,
  (SELECT e.extname::text FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid
   WHERE d.classid = 'pg_class'::regclass AND d.objid = o.oid AND d.deptype = 'e') AS extension,
  EXISTS (SELECT FROM pg_seclabel WHERE classoid = 'pg_class'::regclass AND objoid = o.oid) AS is_labelled
FROM (
  SELECT to_regclass(format('%I.%I', $2::text, $3::text)) AS old,
    to_regclass(format('%I.%I', $1::text, $3::text)) AS new
) AS name
LEFT JOIN pg_class AS o ON o.oid = name.old LEFT JOIN pg_class AS n ON n.oid = name.new]]

-- What a table cannot be replaced as, and what to do.
local function refusal(row)
  if row.kind == "p" then
    return "it is a partitioned table: publish into a table of its own, and attach that", "0A000"
  elseif row.is_partition then
    return "it is a partition: publish into a table of its own, and attach that", "0A000"
  elseif row.is_parent or row.is_child then
    return "it inherits or is inherited from: end that with alter table ... no inherit", "0A000"
  elseif row.is_typed then
    return "it is a typed table: end that with alter table ... not of", "0A000"
  elseif row.extension then
    return ("it belongs to the extension '%s'"):format(row.extension), "0A000"
  elseif row.is_labelled then
    return "it has security labels: they cannot be carried over", "0A000"
  end
end

local function read_subject(conn, options, name)
  local row = conn:query(subject_query, options.build, options.target, name)[1]
  if row.new_kind ~= "r" then
    errors.raise(("cannot publish '%s': there is no table %s"):format(name, row.built), "42P01")
  end
  if row.kind and row.kind ~= "r" and row.kind ~= "p" then
    errors.raise(("'%s' exists and is not a table: rename it or publish into another schema"):format(row.qualified),
      "42809")
  end
  local why, code = refusal(row)
  if why then
    errors.raise(("cannot publish '%s': %s"):format(row.qualified, why), code)
  end
  return {
    name = name,
    qualified = row.qualified,
    built = row.built,
    build = options.build,
    kind = "r",
    oid = row.oid,
    new = row.new,
    row_security = row.row_security,
  }
end

-- Reads the tables, sorted by name: the order of locks is the same for everyone.
local function read_subjects(conn, options)
  local list = {}
  for i, name in ipairs(options.tables) do
    list[i] = read_subject(conn, options, name)
  end
  table.sort(list, function(a, b)
    return a.qualified < b.qualified
  end)
  return list
end

-- The published ones among them: their oids, and built names by oid and by published name.
local function published(subjects)
  local oids, built, by_name = {}, {}, {}
  for _, subject in ipairs(subjects) do
    if subject.oid then
      oids[#oids + 1] = subject.oid
      built[subject.oid], by_name[subject.qualified] = subject.built, subject.built
    end
  end
  return oids, built, by_name
end

-- Settings that statements are printed and read with; the caller's come back in the end.
local function with_settings(conn, fn)
  local before = conn:query([[
    SELECT current_setting('search_path') AS search_path, current_setting('check_function_bodies') AS bodies,
      current_setting('lock_timeout') AS lock_timeout, current_setting('quote_all_identifiers') AS quoted]])[1]
  local function set(search_path, bodies, lock_timeout, quoted)
    conn:query([[
      SELECT set_config('search_path', $1, true), set_config('check_function_bodies', $2, true),
        set_config('lock_timeout', $3, true), set_config('quote_all_identifiers', $4, true)]],
      search_path, bodies, lock_timeout, quoted)
  end
  set("", "off", before.lock_timeout, "off")
  local result = fn()
  set(before.search_path, before.bodies, before.lock_timeout, before.quoted)
  return result
end

local function carry_over(conn, subject, quoted_build, gone)
  columns.storage(conn, subject, subject.built, subject.new):run(conn, subject.qualified)
  local list, missing = columns.columns(conn, subject, subject.built, subject.new)
  list:run(conn, subject.qualified)
  indexes.indexes(conn, subject, subject.built, quoted_build, subject.new):run(conn, subject.qualified)
  indexes.statistics(conn, subject, subject.built, quoted_build):run(conn, subject.qualified)
  columns.comment(conn, subject, subject.built, subject.new):run(conn, subject.qualified)
  gone[subject.name] = #missing > 0 and missing or nil
end

-- Tables that stay and whose foreign keys or policies have to be made again: oids and quoted names.
local function outsiders(conn, found, keys, built)
  local oids = {}
  for _, key in ipairs(foreign_keys.from_outside(keys, built)) do
    oids[#oids + 1] = key.from_oid
  end
  local rows = conn:query([[
    SELECT DISTINCT c.oid, format('%I.%I', n.nspname, c.relname) AS name
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = ANY ($1::oid[]) OR c.oid IN (SELECT polrelid FROM pg_policy WHERE oid = ANY ($2::oid[]))
    ORDER BY 2]], dependents.literal(oids), dependents.literal(found.policies))
  local all, list = {}, {}
  for row in rows:rows() do
    all[#all + 1], list[#list + 1] = row.oid, row.name
  end
  return all, list
end

local function check_rights(conn, oids, found, outside)
  local relations, functions = { table.unpack(oids) }, {}
  for _, object in ipairs(found.objects) do
    local list = object.kind == "f" and functions or relations
    list[#list + 1] = object.oid
  end
  rights.check(conn, dependents.literal(relations), dependents.literal(functions), dependents.literal(outside))
end

local function analyze(conn, subjects)
  for _, subject in ipairs(subjects) do
    conn:query("ANALYZE " .. subject.built)
  end
end

-- What prepare does, in a transaction and with the settings in place.
local function prepare(conn, options)
  local subjects = read_subjects(conn, options)
  local oids, built, by_name = published(subjects)
  local found = dependents.read(conn, oids, options.build)
  local prepared = {
    subjects = subjects,
    found = found,
    state = dependents.state(conn, oids, options.build),
    keys = foreign_keys.read(conn, dependents.literal(oids), options.build),
    quoted_build = conn:query("SELECT quote_ident($1) AS name", options.build)[1].name,
    gone = {},
  }
  prepared.outside, prepared.outside_names = outsiders(conn, found, prepared.keys, built)
  check_rights(conn, oids, found, prepared.outside)
  local row_security = false
  for _, subject in ipairs(subjects) do
    row_security = row_security or subject.row_security
    subject.facts = as_built.facts(conn, subject.new)
    if subject.oid then
      subject.as_built = as_built.read(conn, options.target, subject)
      carry_over(conn, subject, prepared.quoted_build, prepared.gone)
    end
  end
  foreign_keys.add_own(conn, prepared.keys, built)
  foreign_keys.check_outside(conn, prepared.keys, built)
  analyze(conn, subjects)
  prepared.views = views.prepare(conn, found, options.build, by_name, row_security)
  return prepared
end

--- Does everything that takes time before the tables are swapped. Nothing of it can be seen outside
--- of the build schema, and what is there when it fails goes with that schema.
---@param conn pghost.Connection
---@param options pghost.publish.Options
---@return pghost.publish.Prepared
function M.prepare(conn, options)
  local prepared = conn:transaction(function()
    return with_settings(conn, function()
      return prepare(conn, options)
    end)
  end)
  prepared.at = conn:query("SELECT clock_timestamp()::text AS at")[1].at
  return prepared
end

local function raise_changed(options)
  errors.raise(("cannot publish into '%s': its tables or what hangs on them were changed while they were being "
    .. "replaced: try again"):format(options.target), "changed")
end

local function move(prepared, options, conn)
  local list = statements.new()
  local target = conn:query("SELECT quote_ident($1) AS name", options.target)[1].name
  local old = {}
  for _, subject in ipairs(prepared.subjects) do
    if subject.oid then
      old[#old + 1] = subject.qualified
    end
  end
  if #old > 0 then
    list:add("the old tables", "DROP TABLE " .. table.concat(old, ", "))
  end
  for _, subject in ipairs(prepared.subjects) do
    list:add(("table '%s'"):format(subject.name), "ALTER TABLE %s SET SCHEMA %s", subject.built, target)
  end
  return list
end

local function revive(conn, prepared, options, sequences)
  local list = statements.new()
  for _, subject in ipairs(prepared.subjects) do
    if subject.oid then
      list:append(rights.of(conn, "TABLE", subject.oid, subject.qualified, subject.new))
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
  local _, built = published(prepared.subjects)
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

-- What readers wait for: locks, looks again, and runs the plan: in one round trip, or one by one to
-- see what fails.
local function exchange(conn, options, work)
  local budget, started = options.lock_budget or 50, sys.clock()
  locks.take(conn, work.names, "ACCESS EXCLUSIVE", budget)
  if dependents.quick_state(conn, work.replaced) ~= work.state then
    raise_changed(options)
  end
  locks.limit(conn, budget)
  if work.one_by_one then
    work.list:run(conn, options.target)
  else
    conn:exec(work.list:script())
  end
  work.locked = sys.clock() - started
end

-- All that the short transaction needs to know.
---@return { list: pghost.publish.Statements, names: string[], replaced: string, busy: string, state: string }
local function plan_work(conn, prepared, options, oids)
  local names, replaced = { table.unpack(prepared.outside_names) }, { table.unpack(oids) }
  for _, subject in ipairs(prepared.subjects) do
    if subject.oid then
      names[#names + 1] = subject.qualified
    end
  end
  table.sort(names)
  for _, object in ipairs(prepared.found.objects) do
    replaced[#replaced + 1] = object.oid
  end
  local busy = table.move(prepared.outside, 1, #prepared.outside, #replaced + 1, { table.unpack(replaced) })
  local work = { names = names, replaced = dependents.literal(replaced), busy = dependents.literal(busy) }
  work.list = plan(conn, prepared, options)
  work.state = dependents.quick_state(conn, work.replaced)
  if dependents.state(conn, oids, options.build) ~= prepared.state then
    raise_changed(options)
  end
  return work
end

local kept_codes = { ["55P03"] = true, changed = true, interrupted = true }

local function exchange_all(conn, prepared, options, oids)
  local work = plan_work(conn, prepared, options, oids)
  if options.old_snapshots ~= "ignore" then
    locks.wait_for_snapshots(conn, options, prepared.at)
  end
  local function try()
    locks.try(conn, options, work.busy, function()
      exchange(conn, options, work)
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

-- Locks against other changes of the tables, without holding up who reads or writes.
local function hold(conn, options)
  local names = {}
  for _, subject in ipairs(read_subjects(conn, options)) do
    if subject.oid then
      names[#names + 1] = subject.qualified
    end
  end
  if #names > 0 then
    locks.take(conn, names, "SHARE UPDATE EXCLUSIVE", (options.lock_wait or 60) * 1000)
  end
end

--- Replaces the tables of the target schema by the built ones. Must run inside a transaction, which
--- should end soon after: readers wait for it.
---@param conn pghost.Connection
---@param options pghost.publish.Options
---@return pghost.publish.Prepared prepared with `locked`, the seconds that the locks were held
function M.swap(conn, options)
  return with_settings(conn, function()
    hold(conn, options)
    local prepared = options.prepared
    if not prepared then
      prepared = prepare(conn, options)
      prepared.at = conn:query("SELECT now()::text AS at")[1].at
    end
    local oids = published(prepared.subjects)
    if dependents.state(conn, oids, options.build) ~= prepared.state then
      raise_changed(options)
    end
    as_built.write(conn, options.target, prepared.subjects)
    exchange_all(conn, prepared, options, oids)
    return prepared
  end)
end

return M
