-- A change of a published table, described for the statements that publish it and the view that shows it before.

local columns = require "pghost.catalog.columns"
local distribute = require "pghost.distribute"
local errors = require "pghost.lib.errors"
local keys = require "pghost.modes.keys"
local partitions = require "pghost.partitions.existing"
local relations = require "pghost.catalog.relations"
local refused = require "pghost.modes.refused"
local rejected_keys = require "pghost.modes.rejected_keys"
local table_facts = require "pghost.modes.table_facts"

local M = {}

-- Columns that a mode adds to a clean table.
local added = {
  mark = { "_deleted_at" },
  history = { "_valid_from", "_valid_to" },
}

-- Modes whose corrected records are added to what is published.
local rewrites = { replace = true, partitions = true }

local function raise_differs(run, name, text, ...)
  errors.raise(("table '%s.%s' %s: alter it, or load once with mode = 'replace'"):format(run.target, name,
    text:format(...)), "data")
end

-- The published clean table must take what was built.
local function check_columns(run, plan, built, published)
  for _, column in ipairs(built) do
    local there = published[column.name]
    if not there then
      raise_differs(run, plan.name, "has no column '%s', which the rules have", column.name)
    elseif there.type ~= column.type then
      raise_differs(run, plan.name, "has '%s' as %s, the rules as %s", column.name, there.type, column.type)
    end
  end
  for _, name in ipairs(added[plan.missing] or added[plan.mode] or {}) do
    if not published[name] then
      raise_differs(run, plan.name, "has no column '%s', which the mode needs", name)
    end
  end
end

-- Raw columns that the published raw table does not have: files may bring new ones.
local function new_raw_columns(run, plan, built, published)
  local missing = {}
  for _, column in ipairs(built) do
    if not published[column.name] then
      missing[#missing + 1] = column.name
    end
  end
  if #missing > 0 then
    run.log:warn("columns", plan.name .. "_raw", "new columns: " .. table.concat(missing, ", "), { columns = missing })
  end
  return missing
end

-- Without the keys of rejected records.
local function describe(run, plan, kind, only_new)
  local conn = run.conn
  local name = kind == "raw" and plan.name .. "_raw" or plan.name
  local new = run:qualified(kind == "raw" and plan.raw_table or plan.clean_table)
  local built, own = columns.read(conn, new)
  local placed = kind == "clean" and own._pghost_line ~= nil
  built = placed and refused.without_positions(built) or built
  local published = relations.quoted(run.target, name)
  local _, there = columns.read(conn, published)
  local change = {
    name = name, mode = "append", missing = "keep", keys = {}, columns = built, view = run:qualified(name), new = new,
    published = published, allow_dropped = plan.options.allow_dropped or false, distributed = false,
    started = conn:quote_literal(run.started) .. "::pg_catalog.timestamptz", marked = false, few = false,
    together = false, placed = placed, only_new = only_new or false,
  }
  if kind == "raw" then
    change.new_columns = new_raw_columns(run, plan, built, there)
    return change
  end
  check_columns(run, plan, built, there)
  if plan.partition then
    partitions.check(conn, plan, published)
    change.parts = partitions.missing(conn, plan, published, new)
  end
  change.mode, change.missing = rewrites[plan.mode] and "append" or plan.mode, plan.missing
  change.keys = keys.columns(conn, published, plan.key, own, there)
  change.marked = plan.mode == "merge" and not own._deleted_at and there._deleted_at ~= nil
  change.few = table_facts.is_few(conn, new, published)
  change.distributed, change.together, change.fixed = distribute.joined(run, plan.clean_table)
  keys.check(conn, change, run.target)
  return change
end

--- Describes what adding the clean rows of a plan does, while more of them may be rejected.
---@param run pghost.Run
---@param plan pghost.Plan
---@return pghost.modes.Change
function M.of_new_rows(run, plan)
  return describe(run, plan, "clean")
end

--- Describes what publishing does to a table.
---@param run pghost.Run
---@param plan pghost.Plan with what is added in its table of new rows
---@param kind "clean"|"raw"
---@param only_new? boolean the published table has none of the keys
---@return pghost.modes.Change
function M.of(run, plan, kind, only_new)
  local change = describe(run, plan, kind, only_new)
  if kind == "clean" and plan.missing ~= "keep" then
    change.held = rejected_keys.build(run, plan)
  end
  return change
end

return M
