-- Which new row the server refuses when it goes into the published table: a trigger that raises, a key to a table added
-- later, a constraint that refusals.lua leaves to the server. Only used after a publish has failed.
--
-- The change is retried, in a transaction that is rolled back, with half of the rows, then with half of the rest, and
-- so on: what passes stays, so the whole search takes about as long as the publish did.

local errors = require "pghost.lib.errors"
local moment = require "pghost.modes.moment"
local statements = require "pghost.modes.statements"

local M = {}

-- The column names for a record's position in a table of new rows, until it is published.
local positions = { _pghost_file = true, _pghost_line = true }

local order = "_pghost_file, _pghost_line"

-- Classes of SQLSTATE that are about a row.
local of_a_row = { ["22"] = true, ["23"] = true, P0 = true, ["38"] = true, ["39"] = true, ["44"] = true, ["54"] = true }

local rolled_back = {} -- raised to end the transaction

-- Applies the change with only some of the new rows. Rows missing here are not missing from the files.
local function apply(conn, change, part, at)
  local some = setmetatable({ new = part }, { __index = change })
  for _, statement in ipairs(statements.publish(some, at)) do
    if statement.counts == "added" or statement.counts == "changed" then
      conn:query(statement.sql)
    end
  end
end

local function tried(conn, change, part, at)
  return pcall(conn.transaction, conn, function()
    apply(conn, change, part, at)
  end)
end

-- The rows of the change by number, in a table that parts are views of.
local function number_rows(run, change)
  local conn, all = run.conn, run:qualified "pghost_numbered"
  conn:query(("CREATE TABLE %s AS SELECT n.*, pg_catalog.row_number() OVER (ORDER BY %s) AS _pghost_number "
    .. "FROM %s AS n"):format(all, order, change.new))
  return all, conn:query(("SELECT pg_catalog.count(*) AS records FROM %s"):format(all))[1].records
end

local function part_of(run, all, first, last)
  local part = run:qualified "pghost_part"
  run.conn:query(("DROP VIEW IF EXISTS %s"):format(part))
  run.conn:query(("CREATE VIEW %s AS SELECT * FROM %s WHERE _pghost_number OPERATOR(pg_catalog.>) %d "
    .. "AND _pghost_number OPERATOR(pg_catalog.<=) %d"):format(part, all, first, last))
  return part
end

-- The position of the first refused row, and the server's message about it.
local function search(run, change, at)
  local conn = run.conn
  local all, last = number_rows(run, change)
  local first = 0
  local good, problem = tried(conn, change, part_of(run, all, first, last), at)
  if good then
    return nil
  end
  while last - first > 1 do
    local middle = (first + last) // 2
    local passed, why = tried(conn, change, part_of(run, all, first, middle), at)
    if passed then
      first = middle
    else
      last, problem = middle, why
    end
  end
  local alone, why = tried(conn, change, part_of(run, all, first, last), at)
  if alone then
    return nil -- it was refused for others beside it
  end
  problem = why or problem
  return conn:query(("SELECT f.name AS file, n._pghost_line AS line FROM %s AS n LEFT JOIN pghost.files AS f "
    .. "ON f.file_id OPERATOR(pg_catalog.=) n._pghost_file WHERE n._pghost_number OPERATOR(pg_catalog.=) %d")
    :format(all, last))[1], problem
end

-- Goes through the changes in their order; those before the refused one stay.
local function search_all(run, changes)
  local conn, at = run.conn, moment.read(run.conn, changes)
  conn:query "SET CONSTRAINTS ALL IMMEDIATE"
  for _, change in ipairs(changes) do
    if change.placed then
      local place, problem = search(run, change, at)
      if place and place.line then
        return change, place, problem
      end
      conn:query(("DROP VIEW %s"):format(run:qualified "pghost_part"))
      conn:query(("DROP TABLE %s"):format(run:qualified "pghost_numbered"))
    end
    if not tried(conn, change, change.new, at) then
      return nil
    end
  end
end

--- Whether an error of the server is about a row.
---@param problem any
---@return boolean
function M.is_of_row(problem)
  return errors.is(problem) and of_a_row[tostring(problem.code):sub(1, 2)] or false
end

--- The columns of new rows that are published.
---@param built pghost.catalog.Column[]
---@return pghost.catalog.Column[]
function M.without_positions(built)
  local list = {}
  for _, column in ipairs(built) do
    if not positions[column.name] then
      list[#list + 1] = column
    end
  end
  return list
end

--- An error of the server, with file and line if it is about one of the new rows.
---@param run pghost.Run not in a transaction
---@param changes pghost.modes.Change[]
---@param problem any
---@return any problem
function M.place(run, changes, problem)
  if not M.is_of_row(problem) or #changes == 0 then
    return problem
  end
  local change, place, why
  pcall(run.conn.transaction, run.conn, function()
    change, place, why = search_all(run, changes)
    error(rolled_back, 0)
  end)
  if not place or why.code ~= problem.code then
    return problem
  end
  return errors.new { message = ("cannot publish '%s': %s"):format(change.name, why.message), code = why.code,
    file = place.file, line = place.line }
end

return M
