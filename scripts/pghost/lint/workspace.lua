-- Where lint asks the server: a transaction that is rolled back, with empty temporary tables of the right columns.

local bare_run = require "pghost.run.bare_run"
local lists = require "pghost.lib.lists"
local relations = require "pghost.catalog.relations"

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

local function new_run(conn, outline)
  conn:query "CREATE TEMPORARY TABLE pghost_lint () ON COMMIT DROP" -- so that there is a temporary schema
  local schema = conn:query([[
    SELECT nspname::pg_catalog.text AS name FROM pg_catalog.pg_namespace
    WHERE oid OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()]])[1].name
  return bare_run.new(outline, conn, silent, schema)
end

-- Runs fn in a savepoint that sees the tables; returns whether it succeeded, and the error.
---@param session pghost.lint.Session
---@param fn fun(conn: pghost.Connection)
---@return boolean
---@return any problem
function M.try(session, fn)
  return pcall(function()
    return session.run:transaction(fn)
  end)
end

-- Tables -------------------------------------------------------------------------------------------------

local function type_exists(session, name)
  return M.try(session, function(conn)
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
  local done, problem = M.try(session, function(conn)
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
    local list = lists.map(load.raw_columns, function(name)
      return quote(name) .. " pg_catalog.text"
    end)
    table.move(own_columns, 1, #own_columns, #list + 1, list)
    create(session, load.name .. "_raw", list, load.raw_columns, load.step)
  end
  session.incomplete = session.incomplete or not load.rules or session.lacks[load.rules] or false
end

local over = {} -- ends the transaction

--- Calls fn(session) in a transaction that is rolled back.
---@param conn pghost.Connection
---@param outline pghost.Outline
---@param context { findings: pghost.lint.Findings, places: table, incomplete: table }
---@param fn fun(session: pghost.lint.Session)
function M.open(conn, outline, context, fn)
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
