-- The SQL of a pipeline, its checks and its answers, planned by the server over the empty tables of workspace.lua.

local check = require "pghost.check"
local errors = require "pghost.lib.errors"
local nearest = require "pghost.lib.nearest"
local paths = require "pghost.lib.paths"
local project = require "pghost.run.project"
local relations = require "pghost.catalog.relations"
local sources = require "pghost.lint.lua_files"
local sql = require "pghost.lib.sql"
local workspace = require "pghost.lint.workspace"

local M = {}

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
    local done, problem = workspace.try(session, function()
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
  if read and #sql.split(statement.text, path) == 0 then
    read, statement = false, "the file has no SQL"
  end
  if not read then
    session.absent[name] = true
    session.findings:add_problem(statement, path)
    return
  end
  local done, problem = workspace.try(session, function(conn)
    local text, places = statement:describe(session.run:parameters())
    local qualified = relations.quoted(session.run.build, name)
    conn:query("DROP TABLE IF EXISTS " .. qualified)
    statement:send(conn,
      ("CREATE TEMPORARY TABLE %s ON COMMIT DROP AS %s WITH NO DATA"):format(relations.quote(name), text),
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

return M
