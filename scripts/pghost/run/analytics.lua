-- Analytics: each .sql file of a folder is one SELECT that answers one question; its result
-- becomes a table named after the file, and is printed.
--
-- The table's columns are what the server says of the query; the rows are inserted in a fixed
-- order: the query's own ORDER BY, else by all columns.
--
-- Answers are computed side by side where their SQL allows it (anywhere.lua), each after those that it reads. They are
-- recorded, logged and printed in name order; the first error in that order ends the run, as if there had been one
-- connection.

local adoption = require "pghost.publish.adoption"
local answer_files = require "pghost.run.answer_files"
local anywhere = require "pghost.run.anywhere"
local columns = require "pghost.catalog.columns"
local definition = require "pghost.run.definitions"
local distribute = require "pghost.distribute"
local errors = require "pghost.lib.errors"
local lanes = require "pghost.run.lanes"
local lineage = require "pghost.run.lineage"
local lists = require "pghost.lib.lists"
local log = require "pghost.lib.log"
local paths = require "pghost.lib.paths"
local relations = require "pghost.catalog.relations"
local print_result = require "pghost.lib.print"
local sql = require "pghost.lib.sql"
local statistics = require "pghost.load.statistics"
local sys = require "pghost.native.sys"
local terminal_text = require "pghost.lib.terminal"

local M = {}

local most_printed = 100 -- rows of an answer that are printed

-- Types without an order of their own; sorted by their text.
local unordered = { json = true, xml = true, point = true, line = true, polygon = true, path = true, box = true }

---@class pghost.analytics.Answer
---@field path string
---@field name string
---@field statement pghost.sql.Statement
---@field list pghost.catalog.Column[]
---@field reads { schema: string, table: string, columns: string[] }[]
---@field sources? pghost.lineage.Source[]
---@field anywhere boolean it can be filled over any connection
---@field created boolean its table is there
---@field rows integer
---@field seconds number

-- Asks the server for the query's columns, and what it reads, through a view that lives within a transaction.
local function describe(conn, run, answer)
  local view, statement = run:qualified(answer.name), answer.statement
  local text, places = statement:describe(run:parameters())
  statement:send(conn, ("CREATE VIEW %s AS %s"):format(view, text), text, places)
  answer.list = columns.read(conn, view)
  answer.reads, answer.sources = definition.reads(conn, view), lineage.of_view(conn, view)
  answer.anywhere = anywhere.of_view(conn, view)
  conn:query("DROP VIEW " .. view)
end

local function order_by(list)
  local terms = lists.map(list, function(column)
    return relations.quote(column.name) .. (unordered[column.type] and "::text" or "")
  end)
  return " ORDER BY " .. table.concat(terms, ", ")
end

local function create(conn, run, answer)
  local definitions = lists.map(answer.list, function(column)
    return relations.quote(column.name) .. " " .. column.type
  end)
  distribute.plan_answer(run, answer.name, answer.list)
  run:create_table(conn, answer.name, table.concat(definitions, ", "))
end

local function insert(conn, run, answer)
  local names, statement = lists.pluck(answer.list, "name"), answer.statement
  local text, values, places = run:bind(statement)
  local whole = statement.ordered and text
    or ("SELECT * FROM (%s) AS answer%s"):format(text, order_by(answer.list))
  answer.rows = statement:send(conn, ("INSERT INTO %s (%s) %s"):format(run:qualified(answer.name),
    relations.list(names), whole), text, places, values).affected
end

local function print_answer(run, answer)
  local name, rows = answer.name, answer.rows
  local order = answer.statement.ordered and "" or order_by(answer.list)
  local result = run.conn:query(("SELECT * FROM %s%s LIMIT %d"):format(run:qualified(name), order, most_printed))
  run.out:write(terminal_text.harmless(name), "\n")
  print_result.result(result, { file = run.out })
  if rows > most_printed then
    run.out:write(("first %d of %s rows\n"):format(most_printed, log.count(rows)))
  end
  run.out:write("\n")
  run.out:flush()
end

local function report(run, folder, answer)
  local name, path = answer.name, answer.path
  definition.remember_answer(run, name, path, answer.reads, answer.rows, answer.seconds)
  lineage.remember(run, name, answer.sources or {})
  run:built(name)
  run.log:info("answer", name, log.counted(answer.rows, "row"), { rows = answer.rows, seconds = answer.seconds })
  print_answer(run, answer)
  answer_files.remember(run, folder, path)
end

local function new_answer(path)
  return { path = path, name = path:match("([^/]*)%.sql$"), statement = sql.read(path), created = false }
end

-- Fills the table of an answer; `run` may be a view of it, over a lane.
local function fill(run, answer)
  local started, created = sys.clock(), answer.created
  run:transaction(function(conn)
    if not created then
      create(conn, run, answer)
    end
    insert(conn, run, answer)
  end)
  statistics.analyse(run.conn, run:qualified(answer.name), sys.clock() - started)
  answer.seconds = sys.clock() - started
end

-- All of an answer in one transaction, over the control connection.
local function compute(run, path)
  local started, answer = sys.clock(), new_answer(path)
  adoption.check(run, { answer.name })
  run:transaction(function(conn)
    describe(conn, run, answer)
    create(conn, run, answer)
    insert(conn, run, answer)
  end)
  statistics.analyse(run.conn, run:qualified(answer.name), sys.clock() - started)
  answer.seconds = sys.clock() - started
  return answer
end

-- What the hook `table_created` has put there may look at anything.
local function has_triggers(conn, run, answer)
  return run.settings.table_created and conn:query([[
    SELECT relhastriggers AS has FROM pg_catalog.pg_class
    WHERE oid OPERATOR(pg_catalog.=) $1::pg_catalog.text::pg_catalog.regclass]], run:qualified(answer.name))[1].has
end

-- Describes an answer, and makes its table if it can be filled by anybody.
local function prepare(run, path)
  local answer = new_answer(path)
  adoption.check(run, { answer.name })
  run:transaction(function(conn)
    describe(conn, run, answer)
    answer.created = answer.anywhere
    if answer.created then
      create(conn, run, answer)
      answer.anywhere = not has_triggers(conn, run, answer)
    end
  end)
  return answer
end

-- The answers of a list that an answer reads.
local function needs(run, list, answer)
  local numbers, needed = {}, {}
  for i, earlier in ipairs(list) do
    numbers[earlier.name] = i
  end
  for _, one in ipairs(answer.reads) do
    if one.schema == run.build and numbers[one.table] then
      needed[numbers[one.table]] = true
    end
  end
  return needed
end

-- Fills and reports a list of answers, and leaves it empty.
local function flush(run, folder, list)
  local tasks, answers = {}, table.move(list, 1, #list, 1, {})
  for i, answer in ipairs(answers) do
    list[i] = nil
    tasks[i] = { needs = needs(run, answers, answer), call = function(view)
      fill(view, answer)
    end }
  end
  lanes.run(run, tasks, function(i)
    report(run, folder, answers[i])
  end)
end

-- What ends the run whatever comes before it.
local function is_final(problem)
  return errors.is(problem) and (problem.exit == 3 or problem.code == "interrupted")
end

local function side_by_side(run, folder, questions)
  local list = {}
  for _, path in ipairs(questions) do
    local good, answer = pcall(prepare, run, path)
    if not good and is_final(answer) then
      error(answer, 0)
    elseif not good or not answer.anywhere then
      flush(run, folder, list)
    end
    if not good then
      error(answer, 0)
    elseif answer.anywhere then
      list[#list + 1] = answer
    else
      fill(run, answer)
      report(run, folder, answer)
    end
  end
  flush(run, folder, list)
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
  if #questions > 1 and lanes.several(run) then
    side_by_side(run, folder, questions)
  else
    for _, path in ipairs(questions) do
      report(run, folder, compute(run, path))
    end
  end
  answer_files.warn_of_gone(run, folder)
  return { answers = #questions }
end

return M
