-- A raw table as a source: its records go through rules again, without the files.
--
-- With several workers it is read over as many connections, each a range of its pages, under one snapshot. What is not
-- in pages of its own (a distributed or foreign table, a view) is read over one.

local cluster = require "pghost.distribute.cluster"
local columns = require "pghost.catalog.columns"
local errors = require "pghost.lib.errors"
local header = require "pghost.load.header"
local lists = require "pghost.lib.lists"
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

-- Whether a table's rows are all in its own pages, and how many those are.
local pages_query = [[
  SELECT c.relkind = 'r' AND NOT c.relhassubclass AND a.amname = 'heap' AS own,
    pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::pg_catalog.int8 AS pages
  FROM pg_catalog.pg_class AS c LEFT JOIN pg_catalog.pg_am AS a ON a.oid = c.relam
  WHERE c.oid = $1::pg_catalog.text::pg_catalog.regclass::pg_catalog.oid]]

local function pages_of(run, quoted)
  if run.cluster and cluster.has_elsewhere(run.conn, quoted) then
    return 0
  end
  local row = run.conn:query(pages_query, quoted)[1]
  return row.own and row.pages or 0
end

--- The bytes of a raw table that several connections can read parts of; 0: one alone can.
---@param run pghost.Run
---@param quoted string
---@return integer
function M.size(run, quoted)
  return pages_of(run, quoted) * 8192
end

--- The connections that a plan's raw table is read over, in transactions of the caller: a part each. None where one
--- reads all of it.
---@param run pghost.Run
---@param plan pghost.Plan
---@return pghost.Connection[]
function M.readers(run, plan)
  local pages, list = plan.raw_source and plan.workers > 1 and pages_of(run, plan.raw_source) or 0, {}
  for i = 1, pages > 1 and math.min(plan.workers, pages) or 0 do
    list[i] = run:connection("reader" .. i)
  end
  return list
end

-- All see the snapshot of the first one, whoever changes the table at the same time.
local function share_snapshot(readers)
  local snapshot
  for _, conn in ipairs(readers) do
    conn:query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    if snapshot then
      conn:query(("SET TRANSACTION SNAPSHOT %s"):format(conn:quote_literal(snapshot)))
    else
      snapshot = conn:query("SELECT pg_catalog.pg_export_snapshot() AS id")[1].id
    end
  end
end

-- The pages of a table in as many ranges, the last one without an end: the table may have grown.
local function ranges(pages, count)
  local list = {}
  for i = 1, count do
    local from, to = pages * (i - 1) // count, pages * i // count
    list[i] = ("t.ctid OPERATOR(pg_catalog.>=) '(%d,0)'::pg_catalog.tid"):format(from)
      .. (i < count and (" AND t.ctid OPERATOR(pg_catalog.<) '(%d,0)'::pg_catalog.tid"):format(to) or "")
  end
  return list
end

local function copy_of(picked, from)
  return ("COPY (SELECT t._file_id, t._line, %s FROM %s) TO STDOUT"):format(relations.list(picked, "t.%s"), from)
end

-- The statement of each reader.
local function copies(run, readers, from, table_name, picked)
  if #readers == 1 then
    return { copy_of(picked, from) }
  end
  share_snapshot(readers)
  return lists.map(ranges(pages_of(run, table_name), #readers), function(range)
    return copy_of(picked, from .. " WHERE " .. range)
  end)
end

--- Records of a raw table as a source.
---@param run pghost.Run
---@param from string SQL after FROM, with the raw table as `t`
---@param name string of the raw table, for messages
---@param table_name string quoted
---@param wanted string[] columns of the rules, in their order
---@param readers? pghost.Connection[] in transactions that have not begun to read, if `from` is the table alone
---@return pghost.Source
---@return pghost.FileOptions
function M.open(run, from, name, table_name, wanted, readers)
  local names = columns.names((columns.read(run.conn, table_name)))
  local map, picked = header.match(name, names, wanted), {}
  for i, position in ipairs(map) do
    picked[i], map[i] = names[position], i + 2 -- after _file_id and _line
  end
  readers = readers and #readers > 1 and readers or { run:connection "reader" }
  local source = errors.check(native_load.table_source(lists.pluck(readers, "native"),
    copies(run, readers, from, table_name, picked), #picked + 2, name))
  return source, { clean_map = map, table_source = true }
end

--- The records of a plan's raw table for the engine.
---@param run pghost.Run
---@param plan pghost.Plan
---@param target pghost.load.IntoBuild
---@return pghost.load.Work
function M.work(run, plan, target)
  local wanted, name = {}, plan.name .. "_raw"
  for i, column in ipairs(plan.clean_columns) do
    wanted[i] = column.name
  end
  return {
    files = { { name = name } },
    open = function()
      return M.open(run, plan.raw_source .. " AS t", name, plan.raw_source, wanted, target.readers)
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
