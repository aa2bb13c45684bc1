-- What a Citus cluster could not distribute, refused before anything is loaded.

local cluster = require "pghost.distribute.cluster"
local errors = require "pghost.lib.errors"
local lists = require "pghost.lib.lists"
local nearest = require "pghost.lib.nearest"
local relations = require "pghost.catalog.relations"

local M = {}

local function raise(name, wanted, text, ...)
  errors.raise(("table '%s': distribute = '%s': %s"):format(name, wanted, text:format(...)), "usage", { exit = 1 })
end

--- Raises that the database is not one of a cluster, or not the one that distributes.
---@param run pghost.Run
---@param name string
---@param wanted string
function M.check_server(run, name, wanted)
  if not run.cluster then
    raise(name, wanted, "the database does not have the extension citus: have an administrator create it, or leave "
      .. "the option out")
  elseif not cluster.is_coordinator(run.conn) then
    raise(name, wanted, "this server is a worker of its cluster: connect to the coordinator")
  end
end

local function find(columns, wanted)
  for _, column in ipairs(columns) do
    if column.name == wanted then
      return column
    end
  end
end

local function names_of(columns)
  return lists.map(columns, function(column)
    return column.name
  end)
end

--- Raises where a table cannot be distributed by a column: there is none of that name, a key lacks it, it may be NULL,
--- its type has no hash.
---@param conn pghost.Connection
---@param name string
---@param wanted string the column
---@param columns { name: string, type: string, required?: boolean }[]
---@param key? string[]
function M.check_column(conn, name, wanted, columns, key)
  local column = find(columns, wanted)
  local in_key = key and lists.set(key)[wanted]
  if not column then
    raise(name, wanted, "the table has no column of that name%s", nearest.hint(wanted, names_of(columns)))
  elseif key and not in_key then
    raise(name, wanted, "the key (%s) lacks that column, and each node sees only its own keys: add it to the key of "
      .. "the rules, or distribute by a column of the key", table.concat(key, ", "))
  elseif not in_key and column.required == false then
    raise(name, wanted, "the column may be NULL: make it required() in the rules")
  elseif not cluster.has_hash(conn, column.type) then
    raise(name, wanted, "type %s cannot be hashed: distribute by another column", column.type)
  end
end

-- Triggers that a person has put onto the published table.
local trigger_query = [[
  SELECT t.tgname::pg_catalog.text AS name FROM pg_catalog.pg_trigger AS t
  WHERE t.tgrelid = pg_catalog.to_regclass($1)::pg_catalog.oid AND NOT t.tgisinternal
    AND pg_catalog.current_setting('citus.enable_unsafe_triggers', true) IS DISTINCT FROM 'on'
  ORDER BY t.tgname LIMIT 1]]

--- Raises where the published table has a trigger, which would have to go with its rows.
---@param run pghost.Run
---@param name string
---@param wanted string
function M.check_triggers(run, name, wanted)
  local row = run.conn:query(trigger_query, relations.quoted(run.target, name))[1]
  if row then
    raise(name, wanted, "the published table has the trigger '%s', and distributed tables cannot have any: drop it, or "
      .. "leave the table local", row.name)
  end
end

--- Raises where records are added to a table that is distributed otherwise.
---@param name string
---@param wanted string
---@param mode string
---@param there string how it is distributed, in words
function M.raise_other(name, wanted, mode, there)
  raise(name, wanted, "mode '%s' adds to the published table, which is %s: load once with mode = 'replace', or say "
    .. "what it is", mode, there)
end

local room_query = [[
  SELECT pg_catalog.current_setting('max_connections')::pg_catalog.int8
    OPERATOR(pg_catalog.-) pg_catalog.current_setting('superuser_reserved_connections')::pg_catalog.int8
    OPERATOR(pg_catalog.-) (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity
      WHERE backend_type = 'client backend') AS free]]

--- Raises where the streams of a load need more connections than a node has: each stream has one on every node. The
--- coordinator is asked for all of them.
---@param run pghost.Run
---@param plan pghost.Plan
function M.check_room(run, plan)
  local streams = plan.workers * ((plan.targets.raw and 1 or 0) + (plan.targets.clean and 1 or 0))
  local free = plan.workers > 1 and run.conn:query(room_query)[1].free
  if free and streams > free then
    errors.raise(("table '%s': %d workers need %d connections on each node, and the server has room for %d: give fewer "
      .. "workers, or raise max_connections"):format(plan.name, plan.workers, streams, free), "usage", { exit = 1 })
  end
end

--- Raises that a table is to be partitioned as well.
---@param name string
---@param wanted string
function M.raise_partitioned(name, wanted)
  raise(name, wanted, "cannot be combined with the option partition: leave one of them out")
end

--- Raises that all tables of the target schema are on one node.
---@param run pghost.Run
---@param name string
---@param wanted string
function M.raise_schema(run, name, wanted)
  raise(name, wanted, "schema '%s' is distributed as a whole, so that each of its tables is on one node: leave the "
    .. "option out, or publish into another schema", run.target)
end

--- Raises that a table is distributed in a way that no built table can be.
---@param run pghost.Run
---@param name string
function M.raise_unknown(run, name)
  errors.raise(("cannot publish '%s.%s': it is distributed by append or range: recreate it with "
    .. "create_distributed_table, or give distribute"):format(run.target, name), "0A000", { exit = 1 })
end

return M
