-- Analytics: each .sql file of a folder is one SELECT that answers one question; its result
-- becomes a table named after the file, and is printed.
--
-- The table's columns are what the server says of the query; the rows are inserted in a fixed
-- order: the query's own ORDER BY, else by all columns.

local adoption = require "pghost.publish.adoption"
local columns = require "pghost.catalog.columns"
local definition = require "pghost.run.definitions"
local distribute = require "pghost.distribute"
local errors = require "pghost.lib.errors"
local lineage = require "pghost.run.lineage"
local log = require "pghost.lib.log"
local paths = require "pghost.lib.paths"
local relations = require "pghost.catalog.relations"
local print_result = require "pghost.lib.print"
local recordable = require "pghost.run.recordable"
local sql = require "pghost.lib.sql"
local statistics = require "pghost.load.statistics"
local sys = require "pghost.native.sys"
local terminal_text = require "pghost.lib.terminal"

local M = {}

local most_printed = 100 -- rows of an answer that are printed

-- Types without an order of their own; sorted by their text.
local unordered = { json = true, xml = true, point = true, line = true, polygon = true, path = true, box = true }

-- Asks the server for the query's columns, and what it reads, through a view that lives within a transaction.
local function describe(conn, run, name, statement)
  local view = run:qualified(name)
  local text, places = statement:describe(run:parameters())
  statement:send(conn, ("CREATE VIEW %s AS %s"):format(view, text), text, places)
  local list = columns.read(conn, view)
  local reads, sources = definition.reads(conn, view), lineage.of_view(conn, view)
  conn:query("DROP VIEW " .. view)
  return list, reads, sources
end

local function order_by(list)
  local terms = {}
  for i, column in ipairs(list) do
    terms[i] = relations.quote(column.name) .. (unordered[column.type] and "::text" or "")
  end
  return " ORDER BY " .. table.concat(terms, ", ")
end

local function create(conn, run, name, list)
  local definitions = {}
  for i, column in ipairs(list) do
    definitions[i] = relations.quote(column.name) .. " " .. column.type
  end
  distribute.plan_answer(run, name, list)
  run:create_table(conn, name, table.concat(definitions, ", "))
end

local function insert(conn, run, name, statement, list)
  local names = {}
  for i, column in ipairs(list) do
    names[i] = column.name
  end
  local text, values, places = run:bind(statement)
  local whole = statement.ordered and text or ("SELECT * FROM (%s) AS answer%s"):format(text, order_by(list))
  return statement:send(conn, ("INSERT INTO %s (%s) %s"):format(run:qualified(name), relations.list(names), whole),
    text, places, values).affected
end

local function print_answer(run, name, list, statement, rows)
  local order = statement.ordered and "" or order_by(list)
  local result = run.conn:query(("SELECT * FROM %s%s LIMIT %d"):format(run:qualified(name), order, most_printed))
  run.out:write(terminal_text.harmless(name), "\n")
  print_result.result(result, { file = run.out })
  if rows > most_printed then
    run.out:write(("first %d of %s rows\n"):format(most_printed, log.count(rows)))
  end
  run.out:write("\n")
  run.out:flush()
end

local function answer(run, path)
  local name = path:match("([^/]*)%.sql$")
  local started = sys.clock()
  local statement = sql.read(path)
  local list, rows, reads, sources
  adoption.check(run, { name })
  run:transaction(function(conn)
    list, reads, sources = describe(conn, run, name, statement)
    create(conn, run, name, list)
    rows = insert(conn, run, name, statement, list)
  end)
  statistics.analyse(run.conn, run:qualified(name), sys.clock() - started)
  local seconds = sys.clock() - started
  definition.remember_answer(run, name, path, reads, rows, seconds)
  lineage.remember(run, name, sources or {})
  run:built(name)
  run.log:info("answer", name, log.counted(rows, "row"), { rows = rows, seconds = seconds })
  print_answer(run, name, list, statement, rows)
end

-- The tables of this folder's removed questions, if they are published and unchanged since pghost built them.
local gone_query = [[
  SELECT a.table_name, a.file FROM pghost.answers AS a
    JOIN pghost.published AS p ON p.schema_name = a.target_schema AND p.table_name = a.table_name
    JOIN pg_catalog.pg_class AS c ON c.oid = p.relation
  WHERE a.pipeline = $1 AND a.target_schema = $2 AND a.folder = $3 AND a.run_id <> $4::bigint
  ORDER BY a.table_name]]

local function remember(run, folder, path)
  run.conn:query([[
    INSERT INTO pghost.answers (target_schema, table_name, pipeline, folder, file, run_id)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (target_schema, table_name) DO UPDATE
      SET pipeline = excluded.pipeline, folder = excluded.folder, file = excluded.file, run_id = excluded.run_id]],
    run.target, path:match("([^/]*)%.sql$"), run.name, recordable.text(run.conn, folder),
    recordable.text(run.conn, path), run.id)
end

-- Reports answers that no question updates any more: their tables stay unchanged for ever.
local function warn_of_gone(run, folder)
  for row in run.conn:query(gone_query, run.name, run.target, recordable.text(run.conn, folder), run.id):rows() do
    run.log:warn("analyse", row.table_name, ("'%s' is gone, its table %s is still published but no longer updated: "
      .. "drop the table, or restore the file"):format(row.file,
      relations.quoted(run.target, row.table_name)), { file = row.file })
  end
end

--- Runs all .sql files of a folder in name order; warns of published answers whose file is gone.
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
    remember(run, folder, path)
  end
  warn_of_gone(run, folder)
  return { answers = #questions }
end

return M
