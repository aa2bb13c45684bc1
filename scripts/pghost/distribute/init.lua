-- Where the tables of a run go in a Citus cluster: declared by the option or setting `distribute`, else as the
-- published table has it, so that a publish never makes a distributed table local.
--
-- Decided for each table before it is loaded, and done right after it is created, always over the control connection:
-- create_distributed_table on two connections of one process waits for itself for ever. docs/SCALE.md is for users.

local cluster = require "pghost.distribute.cluster"
local declared = require "pghost.distribute.declared"
local unkept_keys = require "pghost.distribute.unkept_keys"
local nodes = require "pghost.distribute.nodes"
local obstacles = require "pghost.distribute.obstacles"
local relations = require "pghost.catalog.relations"

local M = {}

--- How a table is distributed, in words.
---@param placement pghost.distribute.Placement
---@return string
function M.described(placement)
  local kind = placement.kind
  return kind == "key" and ("distributed by '%s'"):format(placement.column) or kind == "reference"
    and "a reference table" or kind == "single" and "on one node" or kind == "schema" and "on the node of its schema"
    or kind == "other" and "distributed by append or range" or "local"
end

-- As the option says it.
local function placement_of(wanted)
  if wanted == "reference" or wanted == "local" then
    return { kind = wanted }
  end
  return { kind = "key", column = wanted }
end

local function is_same(a, b)
  return a.kind == b.kind and a.column == b.column
end

local function type_of(columns, name)
  for _, column in ipairs(columns) do
    if column.name == name then
      return column.type
    end
  end
end

-- What a new table becomes, given what is said and how the published one is. It stays with the tables that the
-- published one is colocated with, unless its column has another type.
local function settle(wanted, there, columns)
  local chosen = wanted and placement_of(wanted) or there
  if is_same(chosen, there) and (chosen.kind ~= "key" or type_of(columns, chosen.column) == there.type) then
    return there
  end
  return { kind = chosen.kind, column = chosen.column }
end

-- The raw table is distributed by the line: a column of the data may be NULL there, or the same in every record.
local function settle_raw(run, draft, wanted)
  local name = draft.name .. "_raw"
  local said = declared.of(run, name)
  local there = cluster.placement(run.conn, run.target, name)
  if not said and wanted then
    said = wanted == "local" and "local" or there.kind == "local" and "_line" or nil
  end
  if there.kind == "other" and not said then
    obstacles.raise_unknown(run, name)
  end
  return settle(said, there, { { name = "_line", type = "bigint" } }), there
end

local function settle_clean(run, draft, wanted)
  local there = cluster.placement(run.conn, run.target, draft.name)
  if there.kind == "other" and not wanted then
    obstacles.raise_unknown(run, draft.name)
  end
  local chosen = settle(wanted, there, draft.clean_columns)
  if not draft.first and not is_same(chosen, there) then
    obstacles.raise_other(draft.name, wanted, draft.mode, M.described(there))
  elseif chosen.kind == "key" then
    obstacles.check_column(run.conn, draft.name, chosen.column, draft.clean_columns, draft.key)
  end
  if chosen.kind ~= "local" and chosen.kind ~= "schema" then
    obstacles.check_triggers(run, draft.name, wanted or chosen.column or chosen.kind)
  end
  return chosen, there
end

local function place(run, built, name, chosen, there)
  run.placements[built] = chosen
  if not is_same(chosen, there) and there.with then
    run.log:info("distribute", name, ("is %s, and becomes %s"):format(M.described(there), M.described(chosen)))
  end
end

--- Decides where the tables of a load go, and refuses what the cluster could not do. Nothing is changed.
---@param run pghost.Run
---@param draft table of a plan: its tables, columns and key
function M.plan(run, draft)
  local wanted = declared.of(run, draft.name, draft.options.distribute) or declared.of_all(run)
  if wanted and wanted ~= "local" then
    obstacles.check_server(run, draft.name, wanted)
  end
  if not run.cluster then
    return
  elseif cluster.is_distributed_schema(run.conn, run.target) then
    if wanted then
      obstacles.raise_schema(run, draft.name, wanted)
    end
    return
  end
  if draft.partition and wanted and wanted ~= "local" then
    obstacles.raise_partitioned(draft.name, wanted)
  elseif draft.targets.clean and not draft.partition then
    place(run, draft.clean_table, draft.name, settle_clean(run, draft, wanted))
    unkept_keys.check(run, draft.name, M.described)
  end
  if draft.targets.raw then
    place(run, draft.raw_table, draft.name .. "_raw", settle_raw(run, draft, wanted))
  end
end

--- Decides where the table of an answer goes.
---@param run pghost.Run
---@param name string
---@param columns { name: string, type: string }[]
function M.plan_answer(run, name, columns)
  local wanted = declared.of(run, name)
  if wanted and wanted ~= "local" then
    obstacles.check_server(run, name, wanted)
  end
  if not run.cluster or cluster.is_distributed_schema(run.conn, run.target) then
    return
  end
  local there = cluster.placement(run.conn, run.target, name)
  local chosen = settle(wanted, there, columns)
  if chosen.kind == "key" then
    obstacles.check_column(run.conn, name, chosen.column, columns)
  end
  place(run, name, name, chosen, there)
  unkept_keys.check(run, name, M.described)
end

--- Raises a foreign key of published tables that could not be kept: of those, too, that this run was to build.
---@param run pghost.Run
---@param names string[]
function M.check_foreign_keys(run, names)
  for _, name in ipairs(run.cluster and not cluster.is_distributed_schema(run.conn, run.target) and names or {}) do
    unkept_keys.check(run, name, M.described, true)
  end
end

--- Where built rows and the published ones they are added to are.
---@param run pghost.Run
---@param built string
---@return boolean distributed some of them are on several servers
---@return boolean together rows with equal keys are on the same server
---@return string? fixed column that both are distributed by
function M.joined(run, built)
  local chosen = run.placements[built]
  if not run.cluster or chosen and chosen.kind == "local" then
    return false, false
  end
  return true, chosen ~= nil and chosen.kind ~= "schema", chosen and chosen.column
end

--- Another name for a table that is built, beside the published one that it is added to.
---@param run pghost.Run
---@param built string
---@param name string
function M.rename(run, built, name)
  local chosen = run.placements[built]
  run.placements[name] = chosen and chosen.with and chosen or nil
end

--- Whether any of these built tables is to be on other nodes too: it is created, and committed, before any stream
--- begins.
---@param run pghost.Run
---@param ... string
---@return boolean
function M.is_placed(run, ...)
  for _, built in ipairs { ... } do
    local chosen = run.placements[built]
    if chosen and chosen.kind ~= "local" and chosen.kind ~= "schema" then
      return true
    end
  end
  return false
end

--- Whether a built table is to be whole on every node.
---@param run pghost.Run
---@param built string
---@return boolean
function M.is_reference(run, built)
  local chosen = run.placements[built]
  return chosen ~= nil and chosen.kind == "reference"
end

local create_reference <const> = [[
  SELECT pg_catalog.create_reference_table($1::pg_catalog.text::pg_catalog.regclass)]]

--- Gives every node a helper table that was just created, if the table that it is looked up for is distributed: a
--- reference table is not changed by what another table has.
---@param run pghost.Run
---@param quoted string
---@param built string the table that it is for
function M.create_everywhere(run, quoted, built)
  if M.is_placed(run, built) then
    run.conn:query(create_reference, quoted)
  end
end

--- Distributes a table that was just created, as decided.
---@param run pghost.Run
---@param conn pghost.Connection
---@param built string
function M.create(run, conn, built)
  if not M.is_placed(run, built) then
    return
  end
  local chosen, quoted = run.placements[built], run:qualified(built)
  if chosen.kind == "reference" then
    conn:query(create_reference, quoted)
  else
    conn:query([[SELECT pg_catalog.create_distributed_table($1::pg_catalog.text::pg_catalog.regclass,
      $2::pg_catalog.text, colocate_with => $3::pg_catalog.text)]], quoted, chosen.column, chosen.with or "default")
  end
end

--- The right side of an anti join. Where its rows are on other nodes than those they are looked up for, it has to be a
--- subquery that Citus runs by itself.
---@param run pghost.Run
---@param from { relation: string, column: string } quoted name of the table on the left, and its column
---@param to { relation: string, column: string }
---@return string sql
function M.searched(run, from, to)
  if not run.cluster or cluster.are_together(run.conn, from, to) then
    return to.relation
  end
  return ("(SELECT %s FROM %s OFFSET 0)"):format(relations.quote(to.column), to.relation)
end

--- The connections of the streams into a built table: of a distributed one over all nodes in turn.
---@param run pghost.Run
---@param built string
---@param kind string "clean" or "raw"
---@param count integer
---@return pghost.Connection[]
function M.connections(run, built, kind, count)
  local chosen = run.placements[built]
  if chosen and chosen.kind == "key" and M.is_placed(run, built) then
    return nodes.connections(run, built, kind, count)
  end
  local list = {}
  for i = 1, count do
    list[i] = run:connection(kind .. i)
  end
  return list
end

--- For the rest of the transactions that fill tables: each COPY has one backend on every node. By default it opens up
--- to 16, which a few COPYs at once use up.
---@param run pghost.Run
---@param connections pghost.Connection[]
function M.one_backend_per_node(run, connections)
  for _, conn in ipairs(run.cluster and connections or {}) do
    conn:query("SELECT pg_catalog.set_config('citus.max_adaptive_executor_pool_size', '1', true)")
  end
end

--- For the rest of a transaction, such as the one that publishes: DDL goes to the shards of a node over one connection,
--- one after the other. What reads and drops them in one transaction cannot do so over several.
---@param run pghost.Run
function M.one_connection_per_node(run)
  if run.cluster then
    run.conn:query("SELECT pg_catalog.set_config('citus.multi_shard_modify_mode', 'sequential', true)")
  end
end

return M
