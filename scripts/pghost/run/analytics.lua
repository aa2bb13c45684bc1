-- Analytics: each .sql file of a folder is one SELECT that answers one question; its result
-- becomes a table named after the file, and is printed.
--
-- The table's columns are what the server says of the query; the rows are inserted in a fixed
-- order: the query's own ORDER BY, else by all columns.

local adoption = require "pghost.publish.adoption"
local columns = require "pghost.load.columns"
local definition = require "pghost.run.definitions"
local errors = require "pghost.lib.errors"
local log = require "pghost.lib.log"
local paths = require "pghost.lib.paths"
local print_result = require "pghost.lib.print"
local sql = require "pghost.lib.sql"
local sys = require "pghost.native.sys"
local terminal_text = require "pghost.lib.terminal"

local M = {}

local most_printed = 100 -- rows of an answer that are printed

-- Types without an order of their own; sorted by their text.
local unordered = { json = true, xml = true, point = true, line = true, polygon = true, path = true, box = true }

-- Asks the server for the query's columns, and what it reads, through a view that lives within a transaction.
local function describe(conn, run, name, statement)
  local view = run:qualified(name)
  conn:query(("CREATE VIEW %s AS %s"):format(view, statement:describe(run:parameters())))
  local list = {}
  for row in conn:query([[
      SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
      WHERE attrelid = $1::text::regclass AND attnum > 0 ORDER BY attnum]], view):rows() do
    list[#list + 1] = { name = row.name, type = row.type }
  end
  local reads = definition.reads(conn, view)
  conn:query("DROP VIEW " .. view)
  return list, reads
end

local function order_by(conn, list)
  local terms = {}
  for i, column in ipairs(list) do
    terms[i] = conn:quote_identifier(column.name) .. (unordered[column.type] and "::text" or "")
  end
  return " ORDER BY " .. table.concat(terms, ", ")
end

local function create(conn, run, name, list)
  local definitions = {}
  for i, column in ipairs(list) do
    definitions[i] = conn:quote_identifier(column.name) .. " " .. column.type
  end
  run:create_table(conn, name, table.concat(definitions, ", "))
end

local function insert(conn, run, name, statement, list)
  local names = {}
  for i, column in ipairs(list) do
    names[i] = column.name
  end
  local text, values = statement:bind(run:parameters())
  if not statement.ordered then
    text = ("SELECT * FROM (%s) AS answer%s"):format(text, order_by(conn, list))
  end
  return conn:query(("INSERT INTO %s (%s) %s"):format(run:qualified(name), columns.quoted(conn, names), text),
    table.unpack(values, 1, values.n)).affected
end

local function print_answer(run, name, list, statement, rows)
  local order = statement.ordered and "" or order_by(run.conn, list)
  local result = run.conn:query(("SELECT * FROM %s%s LIMIT %d"):format(run:qualified(name), order, most_printed))
  run.out:write(terminal_text.harmless(name), "\n")
  print_result.result(result, { file = run.out })
  if rows > most_printed then
    run.out:write(("first %d of %s rows\n"):format(most_printed, log.count(rows)))
  end
  run.out:write("\n")
  run.out:flush()
end

-- An error of the server in a query of the user's gets the file's name in front.
local function in_file(path, fn)
  local done, problem = pcall(fn)
  if not done then
    if errors.is(problem) and not problem.file then
      problem.file = path
    end
    error(problem, 0)
  end
end

local function answer(run, path)
  local name = path:match("([^/]*)%.sql$")
  local started = sys.clock()
  local statement = sql.read(path)
  local list, rows, reads
  adoption.check(run, { name })
  in_file(path, function()
    run:transaction(function(conn)
      list, reads = describe(conn, run, name, statement)
      create(conn, run, name, list)
      rows = insert(conn, run, name, statement, list)
    end)
    run.conn:query("ANALYZE " .. run:qualified(name))
  end)
  definition.remember_answer(run, name, path, reads)
  run:built(name)
  run.log:info("answer", name, log.counted(rows, "row"), { rows = rows, seconds = sys.clock() - started })
  print_answer(run, name, list, statement, rows)
end

--- Runs all .sql files of a folder in name order.
---@param run pghost.Run
---@param folder string
---@return { answers: integer } counts
function M.run(run, folder)
  local questions = paths.list(folder, "sql")
  if #questions == 0 then
    errors.raise(("no .sql file in folder '%s'"):format(folder), "ENOENT")
  end
  for _, path in ipairs(questions) do
    answer(run, path)
  end
  return { answers = #questions }
end

return M
