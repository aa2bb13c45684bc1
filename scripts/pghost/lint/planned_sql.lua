-- The SQL of a pipeline, its checks and its answers, planned by the server over empty tables of the right columns.
--
-- The tables are temporary, and the transaction is rolled back: nothing in the database changes.

local check = require "pghost.check"
local errors = require "pghost.lib.errors"
local nearest = require "pghost.lib.nearest"
local paths = require "pghost.lib.paths"
local project = require "pghost.run.project"
local relations = require "pghost.catalog.relations"
local Run = require "pghost.run"
local sources = require "pghost.lint.lua_files"
local sql = require "pghost.lib.sql"

local M = {}

---@class pghost.lint.Session
---@field findings pghost.lint.Findings
---@field places table
---@field run pghost.Run over the temporary schema and the target
---@field known table<string, string[]> columns by table
---@field absent table<string, true> tables that could not be made: what refers to them may be right
---@field incomplete boolean some rules were wrong: their columns are text

local quote = relations.quote

local silent = setmetatable({ quiet = true, format = "text" }, { __index = function()
  return function() end
end })

-- What checks and SQL need of a run.
local function new_run(conn, outline)
  local run = Run.new(outline.name, outline.settings, { log = silent, out = io.stdout })
  run.conn = conn
  conn:query "CREATE TEMPORARY TABLE pghost_lint () ON COMMIT DROP" -- so that there is a temporary schema
  local row = conn:query([[
    SELECT n.nspname::pg_catalog.text AS schema, pg_catalog.to_char(at, 'YYYY-MM-DD HH24:MI:SS.USOF') AS started,
      pg_catalog.to_char(at::timestamp, 'YYYY-MM-DD HH24:MI:SS.US') AS as_of
    FROM pg_catalog.pg_namespace AS n, pg_catalog.clock_timestamp() AS at
    WHERE n.oid OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()]])[1]
  run.build, run.started = row.schema, row.started
  run.as_of = outline.settings.as_of ~= "" and outline.settings.as_of or row.as_of
  return run
end

-- Runs fn in a savepoint that sees the tables; returns whether it went well, and the error.
local function try(session, fn)
  return pcall(function()
    return session.run:transaction(fn)
  end)
end

-- Tables -------------------------------------------------------------------------------------------------

local function type_exists(session, name)
  return try(session, function(conn)
    conn:query(("SELECT NULL::%s"):format(name))
  end)
end

local function definitions_of(session, load)
  local list, names = {}, {}
  for i, column in ipairs(load.rules and load.rules:program():columns() or {}) do
    local known, problem = type_exists(session, column.type)
    if not known then
      local place = session.places[load.rules[i]] or load.step
      session.findings:add(place.file, place.line, ("column '%s': %s"):format(column.name, tostring(problem)))
    end
    list[#list + 1] = ("%s %s"):format(quote(column.name), known and column.type or "pg_catalog.text")
    names[#names + 1] = column.name
  end
  local added = load.mode == "history" and { "_valid_from", "_valid_to" }
    or load.missing == "mark" and { "_deleted_at" } or {}
  for _, name in ipairs(added) do
    list[#list + 1] = name .. " pg_catalog.timestamptz"
    names[#names + 1] = name
  end
  return list, names
end

-- A table of a later step replaces that of an earlier one.
local function create(session, name, definitions, columns, place)
  local done, problem = try(session, function(conn)
    local qualified = relations.quoted(session.run.build, name)
    conn:query("DROP TABLE IF EXISTS " .. qualified)
    conn:query(("CREATE TEMPORARY TABLE %s (%s) ON COMMIT DROP"):format(quote(name), table.concat(definitions, ", ")))
  end)
  if not done then
    session.findings:add(place.file, place.line, tostring(problem))
  end
  session.known[name] = columns
end

local own_columns <const> = { "_file_id pg_catalog.int8", "_line pg_catalog.int8", "_loaded_at pg_catalog.timestamptz" }

--- Makes the tables of a load, without rows.
---@param session pghost.lint.Session
---@param load pghost.lint.Load
function M.make_tables(session, load)
  if load.step.kind ~= "stage" and not load.rules then
    session.absent[load.name] = true
  elseif load.step.kind ~= "stage" then
    local definitions, names = definitions_of(session, load)
    create(session, load.name, definitions, names, load.step)
  end
  if #load.raw_columns == 0 then
    session.absent[load.name .. "_raw"] = true
  elseif load.step.kind ~= "clean" then
    local list = {}
    for i, name in ipairs(load.raw_columns) do
      list[i] = quote(name) .. " pg_catalog.text"
    end
    table.move(own_columns, 1, #own_columns, #list + 1, list)
    create(session, load.name .. "_raw", list, load.raw_columns, load.step)
  end
  session.incomplete = session.incomplete or not load.rules or session.lacks[load.rules] or false
end

-- Errors of the server -------------------------------------------------------------------------------------

local function tables_of(session)
  local names = {}
  for name in pairs(session.known) do
    names[#names + 1] = name
  end
  for row in session.run.conn:query([[
    SELECT c.relname::pg_catalog.text AS name FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
    WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')]], session.run.target):rows() do
    names[#names + 1] = row.name
  end
  return names
end

local function columns_of(session)
  local names = {}
  for _, list in pairs(session.known) do
    table.move(list, 1, #list, #names + 1, names)
  end
  return names
end

-- With the name that may be meant.
local function hinted(session, problem)
  local text = problem.message:match "^[^\n]*"
  local relation = text:match '^relation "(.-)" does not exist'
  local column = text:match '^column "?([^"]-)"? does not exist'
  if relation then
    return text .. nearest.hint(relation:match "[^.]*$", tables_of(session))
  elseif column then
    return text .. nearest.hint(column:match "[^.]*$", columns_of(session))
  end
  return text
end

-- Mistakes of rules make types text, so that operators may be missing.
local follows = { ["42883"] = true, ["42804"] = true, ["42846"] = true }

local function is_consequence(session, problem)
  local relation = problem.message:match '^[^\n]-relation "(.-)" does not exist'
  return session.incomplete and follows[problem.code] or relation and session.absent[relation]
end

local function tell(session, problem, place)
  if not errors.is(problem) then
    session.findings:add_problem(problem, place.file, place.line)
  elseif problem.exit == 3 then
    error(problem, 0)
  elseif not is_consequence(session, problem) then
    session.findings:add(place.file, place.line, (place.what or "") .. hinted(session, problem))
  end
end

-- Checks -------------------------------------------------------------------------------------------------

local function place_of_check(session, one, step)
  local place = session.places[one]
  local path = project.path "checks.lua"
  local line = not place and type(one) == "table" and type(one.name) == "string" and sources.line_with(path, one.name)
  place = place or line and { file = path, line = line } or step
  return { file = place.file, line = place.line,
    what = type(one) == "table" and type(one.name) == "string" and ("check '%s': "):format(one.name) or "" }
end

--- Plans the checks of a step, each by itself.
---@param session pghost.lint.Session
---@param step pghost.outline.Step
---@param list table[]
function M.check_checks(session, step, list)
  for _, one in ipairs(list) do
    local done, problem = try(session, function()
      session.run.failed_checks = {}
      check.run(session.run, { one })
    end)
    if not done and not (errors.is(problem) and problem.code == "check") then
      local place = place_of_check(session, one, step)
      if errors.is(problem) and problem.message:find("check '", 1, true) == 1 then
        place.what = ""
      end
      tell(session, problem, place)
    end
  end
end

-- Answers --------------------------------------------------------------------------------------------------

local function line_of_parameter(path, problem)
  local name = problem.message:match "^no parameter '(:[%w_]+)'"
  return name and sources.line_with(path, name)
end

-- A file's answer is a table for those after it.
local function check_answer(session, path)
  local name = path:match "([^/]*)%.sql$"
  local read, statement = pcall(sql.read, path)
  if not read then
    session.absent[name] = true
    session.findings:add_problem(statement, path)
    return
  end
  local done, problem = try(session, function(conn)
    local text, places = statement:describe(session.run:parameters())
    local qualified = relations.quoted(session.run.build, name)
    conn:query("DROP TABLE IF EXISTS " .. qualified)
    statement:send(conn, ("CREATE TEMPORARY TABLE %s ON COMMIT DROP AS %s WITH NO DATA"):format(quote(name), text),
      text, places)
    session.known[name] = {}
  end)
  if not done then
    session.absent[name] = true
    local known = errors.is(problem)
    tell(session, problem, { file = path, line = known and (problem.line or line_of_parameter(path, problem)) or nil })
  end
end

--- Plans the SQL files of a step.
---@param session pghost.lint.Session
---@param step pghost.outline.Step
function M.check_answers(session, step)
  local folder = type(step.folder) == "string" and project.path(step.folder)
  if not folder then
    session.findings:add(step.file, step.line, ("run:analyse: folder expected, got %s"):format(type(step.folder)))
    return
  end
  local found, list = pcall(paths.list, folder, "sql")
  if not found or #list == 0 then
    session.findings:add(step.file, step.line,
      found and ("no .sql file in folder '%s'"):format(step.folder) or tostring(list))
    return
  end
  for _, path in ipairs(list) do
    check_answer(session, path)
  end
end

local over = {} -- ends the transaction

--- Calls fn(session) in a transaction that is rolled back.
---@param conn pghost.Connection
---@param outline pghost.Outline
---@param context { findings: pghost.lint.Findings, places: table, incomplete: table }
---@param fn fun(session: pghost.lint.Session)
function M.session(conn, outline, context, fn)
  local done, problem = pcall(conn.transaction, conn, function()
    fn { findings = context.findings, places = context.places, lacks = context.incomplete,
      run = new_run(conn, outline), known = {}, absent = {}, incomplete = false }
    error(over, 0)
  end)
  if not done and problem ~= over then
    error(problem, 0)
  end
end

return M
