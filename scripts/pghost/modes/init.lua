-- What a load does to an already published table: replace it, append to it, merge into it by key, or keep the history
-- of each key.
--
-- The first load of a table builds all of it, in every mode. A later one that does not replace builds the new rows in a
-- separate table, `<name>_new`, and a view `<name>` that shows the table as it will be: checks and analytics read that.
-- Publishing then changes the published table (statements.lua), in the single transaction of the run, without making
-- readers wait.

local authority = require "pghost.publish.authority"
local create_view = require "pghost.modes.view"
local description = require "pghost.modes.description"
local errors = require "pghost.lib.errors"
local log = require "pghost.lib.log"
local moment = require "pghost.modes.moment"
local nullable = require "pghost.modes.nullable"
local partitions = require "pghost.partitions.existing"
local combinations = require "pghost.modes.combinations"
local qualified = require "pghost.modes.qualified"
local relations = require "pghost.catalog.relations"
local row_security = require "pghost.catalog.row_security"
local statements = require "pghost.modes.statements"
local stored = require "pghost.modes.stored"
local upsert = require "pghost.modes.upsert"
local written = require "pghost.modes.written"

local M = {}

local function published_name(run, name)
  return relations.quoted(run.target, name)
end

-- Whether the published table exists; only a table can be added to.
local function find_published(run, name)
  local found = relations.find(run.conn, published_name(run, name))
  if found and found.kind ~= "r" and found.kind ~= "p" then
    errors.raise(("'%s.%s' exists and is not a table: only a table can be appended to or merged into")
      :format(run.target, name), "42809")
  end
  return found ~= nil
end

-- Whether the tables a load adds to do not exist yet. Raises if only half of them do.
local function is_first(run, request, clean, raw)
  local targets, name = request.targets, request.name
  local first = not ((clean or not targets.clean) and (raw or not targets.raw))
  if first and ((targets.clean and clean) or (targets.raw and raw)) then
    local there = clean and targets.clean and name or name .. "_raw"
    errors.raise(("schema '%s' has '%s' but not its %s table: drop it, or load once with mode = 'replace'")
      :format(run.target, there, there == name and "raw" or "clean"), "data")
  end
  return first
end

---@class pghost.modes.Choice what a load does to its tables
---@field mode "replace"|"append"|"merge"|"history"|"partitions"
---@field missing "keep"|"delete"|"mark"|"close"
---@field first boolean there is no published table that this load adds to
---@field clean_table string what is built, in the build schema
---@field raw_table string

--- Decides what a load does to its tables. Changes nothing.
---@param run pghost.Run
---@param request pghost.modes.Request
---@return pghost.modes.Choice
function M.choose(run, request)
  local clean_table, raw_table = request.name, request.name .. "_raw"
  local choice = { clean_table = clean_table, raw_table = raw_table, first = true }
  choice.mode, choice.missing = combinations.check(request)
  if choice.mode == "replace" then
    return choice
  end
  local raw, clean = find_published(run, raw_table), find_published(run, clean_table)
  choice.first = is_first(run, request, clean, raw)
  if choice.first then
    return choice
  end
  local names = { clean and published_name(run, clean_table) or nil }
  names[#names + 1] = raw and published_name(run, raw_table) or nil
  for _, name in ipairs(names) do
    row_security.check(run.conn, name)
  end
  run.conn:transaction(function()
    authority.check_added(run.conn, names)
  end)
  choice.clean_table, choice.raw_table = clean_table .. "_new", raw_table .. "_new"
  return choice
end

-- The first table of a mode gets the columns that the mode adds.
local function complete_first(run, plan)
  local name, at = run:qualified(plan.name), run.conn:quote_literal(run.started)
  if plan.complete then
    return -- an earlier process has done so
  elseif plan.missing == "mark" then
    run.conn:query(("ALTER TABLE %s ADD COLUMN IF NOT EXISTS _deleted_at pg_catalog.timestamptz"):format(name))
  elseif plan.mode == "history" then
    local key = relations.list(plan.key)
    local constraint = run.conn:query(qualified [[
      SELECT conname::pg_catalog.text AS name FROM pg_catalog.pg_constraint
      WHERE conrelid = $1::pg_catalog.regclass AND contype = 'p']], name)[1].name
    run:transaction(function(conn)
      conn:query(("ALTER TABLE %s DROP CONSTRAINT %s, ADD COLUMN _valid_from pg_catalog.timestamptz NOT NULL "
        .. "DEFAULT %s, ADD COLUMN _valid_to pg_catalog.timestamptz"):format(name, conn:quote_identifier(constraint),
        at))
      conn:query(("ALTER TABLE %s ALTER COLUMN _valid_from DROP DEFAULT"):format(name))
      conn:query(("ALTER TABLE %s ADD PRIMARY KEY (%s, _valid_from)"):format(name, key))
    end)
  end
end

--- Makes the rows of a plan's new table ready to be added to the published one, and the view that shows both.
---@param run pghost.Run
---@param plan pghost.Plan
---@param kind "clean"|"raw"
---@param only_new? boolean the published table has none of the keys
---@return pghost.modes.Change
function M.addition(run, plan, kind, only_new)
  local change = description.of(run, plan, kind, only_new)
  run.conn:query(create_view(change))
  return change
end

---@class pghost.modes.Built what a load has made ready to publish
---@field tables string[] that replace the published ones
---@field changes pghost.modes.Change[] of those that are added to

--- Makes what was built ready to be published: in the place of the published tables, or into them.
---@param run pghost.Run
---@param plan pghost.Plan
---@return pghost.modes.Built
function M.built(run, plan)
  local built = { tables = {}, changes = {} }
  for _, kind in ipairs { "clean", "raw" } do
    local is_exchange = kind == "clean" and plan.mode == "partitions" and not plan.first -- see partitions/backfill.lua
    if plan.targets[kind] and not plan.first and not is_exchange then
      table.insert(built.changes, M.addition(run, plan, kind))
    elseif plan.targets[kind] and not is_exchange then
      if kind == "clean" then
        complete_first(run, plan)
      end
      table.insert(built.tables, kind == "raw" and plan.raw_table or plan.clean_table)
    end
  end
  return built
end

--- Applies changes to the published tables; must run inside the transaction that publishes, under its lock.
---@param run pghost.Run
---@param changes pghost.modes.Change[]
---@return pghost.modes.Changed[]
function M.publish(run, changes)
  local list, at = {}, moment.read(run.conn, changes)
  written.lock(run.conn, changes)
  for i, change in ipairs(changes) do
    nullable.drop(run, change)
    partitions.extend(run, change)
    list[i] = stored.run(run.conn, change, statements.publish(change, at, upsert.suits(run.conn, change)))
    if list[i].dropped ~= 0 then
      run.log:warn("publish", change.name, ("%s %s not stored as sent: triggers or rules of the table")
        :format(log.counted(list[i].dropped, "row"), list[i].dropped == 1 and "was" or "were"),
        { dropped = list[i].dropped })
    end
  end
  return list
end

--- Whether a table that is changed references one that is replaced: its new rows may need rows that
--- only the replacing table has, so they go in after the exchange.
---@param run pghost.Run
---@param tables string[] that are replaced
---@param changes pghost.modes.Change[]
---@return boolean
function M.after_exchange(run, tables, changes)
  for _, change in ipairs(changes) do
    for row in run.conn:query(qualified [[
        SELECT c.relname::pg_catalog.text AS name FROM pg_catalog.pg_constraint AS k
        JOIN pg_catalog.pg_class AS c ON c.oid = k.confrelid
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE k.contype = 'f' AND k.conrelid = $1::pg_catalog.regclass AND n.nspname = $2]],
        change.published, run.target):rows() do
      for _, name in ipairs(tables) do
        if name == row.name then
          return true
        end
      end
    end
  end
  return false
end

return M
