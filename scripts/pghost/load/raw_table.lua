-- A raw table as a source: its records go through rules again, without the files.

local columns = require "pghost.catalog.columns"
local errors = require "pghost.lib.errors"
local header = require "pghost.load.header"
local native_load = require "pghost.native.load"
local relations = require "pghost.catalog.relations"
local row_security = require "pghost.catalog.row_security"

local M = {}

--- The raw table to clean: of this run, or else published. Where the clean table is added to, only
--- what this run staged is new. Raises when there is none.
---@param run pghost.Run
---@param plan pghost.Plan
---@return string quoted
function M.find(run, plan)
  local name, adds = plan.name .. "_raw", not plan.first
  for _, change in ipairs(adds and run.changes or {}) do
    if change.name == name then
      return change.new
    end
  end
  local found = run:find_table(name)
  if not found then
    errors.raise(("no table '%s' in schema '%s': stage it first"):format(name, run.target), "usage", { exit = 1 })
  elseif adds and plan.mode == "append" then
    errors.raise(("nothing new in '%s': stage files with mode = 'append' in this run first"):format(name), "usage",
      { exit = 1 })
  end
  row_security.check(run.conn, found)
  return found
end

--- Records of a raw table as a source.
---@param run pghost.Run
---@param from string SQL after FROM, with the raw table as `t`
---@param name string of the raw table, for messages
---@param table_name string quoted
---@param wanted string[] columns of the rules, in their order
---@return pghost.Source
---@return pghost.FileOptions
function M.open(run, from, name, table_name, wanted)
  local names = columns.names((columns.read(run.conn, table_name)))
  local map, picked = header.match(name, names, wanted), {}
  for i, position in ipairs(map) do
    picked[i], map[i] = names[position], i + 2 -- after _file_id and _line
  end
  local source = errors.check(native_load.table_source({ run:connection("reader").native },
    { ("COPY (SELECT t._file_id, t._line, %s FROM %s) TO STDOUT"):format(relations.list(picked, "t.%s"), from) },
    #picked + 2, name))
  return source, { clean_map = map, table_source = true }
end

--- The records of a plan's raw table for the engine.
---@param run pghost.Run
---@param plan pghost.Plan
---@param target pghost.load.Target
---@return pghost.load.Work
function M.work(run, plan, target)
  local wanted, name = {}, plan.name .. "_raw"
  for i, column in ipairs(plan.clean_columns) do
    wanted[i] = column.name
  end
  return {
    files = { { name = name } },
    open = function()
      return M.open(run, plan.raw_source .. " AS t", name, plan.raw_source, wanted)
    end,
    stopped = function(message)
      target:stopped(plan, { files = {} }, message)
    end,
    failed = function(message, code)
      target:failed(plan, nil, message, code)
    end,
  }
end

return M
