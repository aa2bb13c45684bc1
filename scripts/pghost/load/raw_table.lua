-- A raw table as a source: its records go through rules again, without the files.

local columns = require "pghost.load.columns"
local errors = require "pghost.lib.errors"
local native_load = require "pghost.native.load"
local row_security = require "pghost.catalog.row_security"

local M = {}

local function column_names(conn, table_name)
  local names = {}
  for row in conn:query([[
      SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped
      ORDER BY attnum]], table_name):rows() do
    names[#names + 1] = row.attname
  end
  return names
end

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

--- Gives the records of a raw table to a load.
---@param run pghost.Run
---@param load pghost.Load
---@param name string of the clean table
---@param table_name string quoted, from find
---@param wanted string[] columns of the rules, in their order
---@return pghost.Counts? counts
---@return string? message
---@return string? code
function M.feed(run, load, name, table_name, wanted)
  local conn = run:connection "reader"
  local header = column_names(conn, table_name)
  local map = columns.map(name .. "_raw", header, wanted, true)
  local picked = {}
  for i, position in ipairs(map) do
    picked[i], map[i] = header[position], i + 2 -- behind _file_id and _line
  end
  local source <close> = errors.check(native_load.table_source(conn.native,
    ("COPY (SELECT _file_id, _line, %s FROM %s) TO STDOUT (FORMAT csv, HEADER)")
      :format(columns.quoted(conn, picked), table_name), name .. "_raw"))
  return load:file(source, { clean_map = map, table_source = true })
end

return M
