-- The schema that a run builds in: one of its own, or one that exists and is named by the setting
-- `build_schema`, for those who may not create schemas.
--
-- A named one is used by one run at a time and is empty between runs: anything in it while no run is active belongs to
-- somebody else, and stops the run. Rights are checked here, before anything is loaded.

local errors = require "pghost.lib.errors"
local history = require "pghost.run.history"
local lock = require "pghost.run.lock"
local names_alone = require "pghost.publish.session"
local waiting = require "pghost.run.waiting"

local M = {}

local lock_word = "build schema" -- in the place of a pipeline's name in the key of the lock

local function is_own(run_id, schema)
  return schema == ("pghost_build_%d"):format(run_id)
end

-- The contents of a schema, as the statements that drop them.
local contents = [[
SELECT format('%I', c.relname) AS name, format('DROP %s IF EXISTS %I.%I CASCADE', CASE c.relkind
  WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE'
  WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END, n.nspname, c.relname) AS drop
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c')
UNION ALL
SELECT format('%I', p.proname), format('DROP ROUTINE IF EXISTS %I.%I(%s) CASCADE', n.nspname, p.proname,
  pg_get_function_identity_arguments(p.oid))
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE n.nspname = $1
UNION ALL
SELECT format('%I', t.typname), format('DROP TYPE IF EXISTS %I.%I CASCADE', n.nspname, t.typname)
FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace WHERE n.nspname = $1 AND t.typtype IN ('d', 'e', 'r')
ORDER BY 1]]

local function clear(conn, schema)
  names_alone.transaction(conn, function()
    for row in conn:query(contents, schema):rows() do
      conn:query(row.drop)
    end
  end)
end

local function check_empty(conn, schema)
  local names = {}
  names_alone.transaction(conn, function()
    for row in conn:query(contents, schema):rows() do
      names[#names + 1] = row.name
    end
  end)
  if #names > 0 then
    errors.raise(("build schema '%s' is not empty, and was not left by a killed run: it holds %s; "
      .. "empty it, or name another"):format(schema, table.concat(names, ", ", 1, math.min(#names, 5))), "42P06")
  end
end

local facts_query = [[
SELECT current_user::text AS role, current_database()::text AS database,
    EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'citus') AS cluster,
    has_database_privilege(current_database(), 'CREATE') AS may_create_schema,
    (SELECT has_schema_privilege(oid, 'CREATE') AND has_schema_privilege(oid, 'USAGE')
     FROM pg_namespace WHERE nspname = $1) AS may_use_target,
    (SELECT has_schema_privilege(oid, 'CREATE') AND has_schema_privilege(oid, 'USAGE')
     FROM pg_namespace WHERE nspname = $2) AS may_use_build]]

local function facts(run)
  return names_alone.transaction(run.conn, function()
    return run.conn:query(facts_query, run.target, run.settings.build_schema)[1]
  end)
end

-- The first right that is missing, with the grant that helps.
local function refusal(run, has)
  local named = run.settings.build_schema
  local grant = "grant create, usage on schema to it"
  if named == "" and not has.may_create_schema then
    return ("'%s' may not create schemas in database '%s': grant create on database to it, or name a schema it may "
      .. "build in (build_schema)"):format(has.role, has.database)
  elseif has.may_use_target == nil and not has.may_create_schema then
    return ("no schema '%s', and '%s' may not create it: create it, and %s"):format(run.target, has.role, grant)
  elseif has.may_use_target == false then
    return ("'%s' may not create tables in schema '%s': %s"):format(has.role, run.target, grant)
  elseif named ~= "" and has.may_use_build == nil then
    return ("no build schema '%s': create it, and %s ('%s')"):format(named, grant, has.role)
  elseif named ~= "" and not has.may_use_build then
    return ("'%s' may not create tables in build schema '%s': %s"):format(has.role, named, grant)
  end
end

-- Takes the named schema: nobody else uses it, what dead runs left in it is removed, it is empty.
local function take(run, schema)
  local conn = run.conn
  waiting.take(run, {
    try = function()
      return run.lock:try(lock_word, schema)
    end,
    holder = function()
      return history.build_holder(conn, schema)
    end,
    refusal = function(holder)
      return ("build schema '%s' is in use: %s builds in it; name another, or try again when it is done")
        :format(schema, holder)
    end,
  })
  conn:transaction(function()
    if history.mark_dead_builders(conn, schema, run.id) > 0 then
      clear(conn, schema)
    end
    check_empty(conn, schema)
    history.set_build(conn, run.id, schema)
  end)
  run.build, run.builds_in_named = schema, true -- from here on what is in it is ours
end

--- The schemas of a run: the target, made if need be, and one to build in.
---@param run pghost.Run `run.build` is the name for one of its own
function M.make(run)
  local conn, named = run.conn, run.settings.build_schema
  if named == run.target then
    errors.raise(("build_schema: '%s' is the schema that is published into: name another"):format(named), "usage")
  end
  local has = facts(run)
  run.cluster = has.cluster
  local why = refusal(run, has)
  if why then
    errors.raise(why, "42501")
  end
  if has.may_use_target == nil then
    conn:query("CREATE SCHEMA IF NOT EXISTS " .. conn:quote_identifier(run.target))
  end
  if named ~= "" then
    take(run, named)
  elseif not run.resumed then
    conn:query("CREATE SCHEMA " .. conn:quote_identifier(run.build))
  end
end

--- Removes what a dead run built. A named schema stays, and is left alone while somebody builds in it.
--- In a transaction.
---@param conn pghost.Connection
---@param run_id integer
---@param schema string
function M.remove(conn, run_id, schema)
  if is_own(run_id, schema) then
    conn:query(("DROP SCHEMA IF EXISTS %s CASCADE"):format(conn:quote_identifier(schema)))
  elseif lock.try_here(conn, lock_word, schema) then
    clear(conn, schema)
  end
end

--- Removes what this run built.
---@param run pghost.Run
function M.remove_own(run)
  if run.builds_in_named then
    clear(run.conn, run.build)
  else
    M.remove(run.conn, run.id, run.build)
  end
  if run.settings.resume or run.settings.share then
    run.conn:query("DELETE FROM pghost.profile_parts WHERE run_id = $1", run.id)
  end
end

return M
