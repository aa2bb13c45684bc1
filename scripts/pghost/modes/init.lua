-- What a load does to a table that is published already: replace it, append to it, merge into it by
-- key, or keep the history of each key.
--
-- The first load of a table builds all of it, in every mode. A later one that does not replace
-- builds what is new in a table of its own, `<name>_new`, and a view `<name>` that shows the table
-- as it will be: checks and analytics read that. Publishing then changes the published table
-- (statements.lua), in the one transaction of the run; who reads it waits for nothing.

local columns = require "pghost.load.columns"
local errors = require "pghost.lib.errors"
local row_security = require "pghost.catalog.row_security"
local statements = require "pghost.modes.statements"

local M = {}

local longest_name = 55 -- bytes of a table's name: 63 that the server keeps, less "_raw_new"

local values = {
  mode = { replace = true, append = true, merge = true, history = true },
  missing = { keep = true, delete = true, mark = true, close = true },
}

local allowed_missing = {
  replace = { keep = true },
  append = { keep = true },
  merge = { keep = true, delete = true, mark = true },
  history = { keep = true, close = true },
}

-- Columns that a mode adds to a clean table.
local added = {
  mark = { "_deleted_at" },
  history = { "_valid_from", "_valid_to" },
}

local function raise_usage(text, ...)
  errors.raise(text:format(...), "usage", { exit = 1 })
end

local function words(set)
  local list = {}
  for word in pairs(set) do
    list[#list + 1] = "'" .. word .. "'"
  end
  table.sort(list)
  return table.concat(list, ", ")
end

local function check_options(plan)
  local mode, missing = plan.options.mode or "replace", plan.options.missing or "keep"
  if not values.mode[mode] then
    raise_usage("table '%s': mode must be one of %s, got '%s'", plan.name, words(values.mode), tostring(mode))
  elseif not allowed_missing[mode][missing] then
    raise_usage("table '%s': missing must be one of %s in mode '%s', got '%s'", plan.name, words(allowed_missing[mode]),
      mode, tostring(missing))
  elseif (mode == "merge" or mode == "history") and plan.targets.clean and not plan.key then
    raise_usage("table '%s': mode '%s' needs a key: give its rules one", plan.name, mode)
  elseif mode ~= "replace" and #plan.name > longest_name then
    raise_usage("table '%s': a name of at most %d bytes for mode '%s'", plan.name, longest_name, mode)
  end
  return mode, missing
end

local published_query = [[
  SELECT c.relkind::text AS kind, c.oid FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname = $2]]

-- Whether the published table is there; what is no table cannot be added to.
local function find_published(run, name)
  local row = run.conn:query(published_query, run.target, name)[1]
  if row and row.kind ~= "r" and row.kind ~= "p" then
    errors.raise(("'%s.%s' exists and is not a table: only a table can be appended to or merged into")
      :format(run.target, name), "42809")
  end
  return row ~= nil
end

local function published_name(run, name)
  return run.conn:quote_identifier(run.target) .. "." .. run.conn:quote_identifier(name)
end

--- Decides what a load does to its tables: fills in plan.mode, plan.missing, plan.first (there is no
--- table to add to yet) and plan.clean_table and plan.raw_table, the names of what is built.
---@param run pghost.Run
---@param plan pghost.Plan
function M.choose(run, plan)
  plan.mode, plan.missing = check_options(plan)
  plan.clean_table, plan.raw_table = plan.name, plan.name .. "_raw"
  plan.first = plan.mode == "replace"
  if plan.first then
    return
  end
  local raw = find_published(run, plan.raw_table)
  local clean = find_published(run, plan.clean_table)
  plan.first = not ((clean or not plan.targets.clean) and (raw or not plan.targets.raw))
  if plan.first and ((plan.targets.clean and clean) or (plan.targets.raw and raw)) then
    local there = clean and plan.targets.clean and plan.clean_table or plan.raw_table
    errors.raise(("schema '%s' has '%s' but not its %s table: drop it, or load once with mode = 'replace'")
      :format(run.target, there, there == plan.clean_table and "raw" or "clean"), "data")
  end
  if not plan.first then
    for name, there in pairs { [plan.clean_table] = clean, [plan.raw_table] = raw } do
      if there then
        row_security.check(run.conn, published_name(run, name))
      end
    end
    plan.clean_table, plan.raw_table = plan.clean_table .. "_new", plan.raw_table .. "_new"
  end
end

-- Columns and types of a table, by name and in order.
local function read_columns(conn, schema, name)
  local list, by_name = {}, {}
  for row in conn:query([[
      SELECT a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type FROM pg_attribute AS a
      WHERE a.attrelid = format('%I.%I', $1::text, $2::text)::regclass AND a.attnum > 0 AND NOT a.attisdropped
      ORDER BY a.attnum]], schema, name):rows() do
    list[#list + 1] = row
    by_name[row.name] = row.type
  end
  return list, by_name
end

local function raise_differs(run, name, text, ...)
  errors.raise(("table '%s.%s' %s: alter it, or load once with mode = 'replace'"):format(run.target, name,
    text:format(...)), "data")
end

-- The published clean table must take what was built.
local function check_columns(run, plan, built)
  local _, published = read_columns(run.conn, run.target, plan.name)
  for _, column in ipairs(built) do
    local type = published[column.name]
    if not type then
      raise_differs(run, plan.name, "has no column '%s', which the rules have", column.name)
    elseif type ~= column.type then
      raise_differs(run, plan.name, "has '%s' as %s, the rules as %s", column.name, type, column.type)
    end
  end
  for _, name in ipairs(added[plan.missing] or added[plan.mode] or {}) do
    if not published[name] then
      raise_differs(run, plan.name, "has no column '%s', which the mode needs", name)
    end
  end
end

-- Raw columns that the published raw table has not: files may bring new ones.
local function new_raw_columns(run, plan, built)
  local _, published = read_columns(run.conn, run.target, plan.name .. "_raw")
  local missing = {}
  for _, column in ipairs(built) do
    if not published[column.name] then
      missing[#missing + 1] = column.name
    end
  end
  if #missing > 0 then
    run.log:warn("columns", plan.name .. "_raw", "new columns: " .. table.concat(missing, ", "), { columns = missing })
  end
  return missing
end

-- The names and SQL that statements.lua works with.
local function describe(run, plan, kind)
  local conn = run.conn
  local name = kind == "raw" and plan.name .. "_raw" or plan.name
  local built = read_columns(conn, run.build, kind == "raw" and plan.raw_table or plan.clean_table)
  return {
    name = name,
    mode = kind == "raw" and "append" or plan.mode,
    missing = plan.missing,
    key = plan.key,
    columns = built,
    view = run:qualified(name),
    new = run:qualified(kind == "raw" and plan.raw_table or plan.clean_table),
    published = published_name(run, name),
    at = conn:quote_literal(run.started) .. "::timestamptz",
  }
end

-- The first table of a mode gets the columns that the mode adds.
local function complete_first(run, plan)
  local name, at = run:qualified(plan.name), run.conn:quote_literal(run.started)
  if plan.complete then
    return -- an earlier process has done so
  elseif plan.missing == "mark" then
    run.conn:query(("ALTER TABLE %s ADD COLUMN IF NOT EXISTS _deleted_at timestamptz"):format(name))
  elseif plan.mode == "history" then
    local key = columns.quoted(run.conn, plan.key)
    local constraint = run.conn:query([[
      SELECT conname::text AS name FROM pg_constraint
      WHERE conrelid = $1::text::regclass AND contype = 'p']], name)[1].name
    run:transaction(function(conn)
      conn:query(("ALTER TABLE %s DROP CONSTRAINT %s, ADD COLUMN _valid_from timestamptz NOT NULL DEFAULT %s, "
        .. "ADD COLUMN _valid_to timestamptz"):format(name, conn:quote_identifier(constraint), at))
      conn:query(("ALTER TABLE %s ALTER COLUMN _valid_from DROP DEFAULT"):format(name))
      conn:query(("ALTER TABLE %s ADD PRIMARY KEY (%s, _valid_from)"):format(name, key))
    end)
  end
end

local function add_change(run, plan, kind)
  local change = describe(run, plan, kind)
  if kind == "raw" then
    change.new_columns = new_raw_columns(run, plan, change.columns)
  else
    check_columns(run, plan, change.columns)
  end
  for _, statement in ipairs(statements.view(run.conn, change)) do
    run.conn:query(statement)
  end
  run.changes[#run.changes + 1] = change
end

--- Makes what was built ready to be published: in the place of the published tables, or into them.
---@param run pghost.Run
---@param plan pghost.Plan
function M.built(run, plan)
  for _, kind in ipairs { "clean", "raw" } do
    if plan.targets[kind] and not plan.first then
      add_change(run, plan, kind)
    elseif plan.targets[kind] then
      if kind == "clean" then
        complete_first(run, plan)
      end
      run:built(kind == "raw" and plan.raw_table or plan.clean_table)
    end
  end
end

--- Applies changes to the published tables; must run inside the transaction that publishes.
---@param run pghost.Run
---@param changes pghost.modes.Change[]
---@return { name: string, added: integer, changed: integer, removed: integer }[]
function M.publish(run, changes)
  local list = {}
  for i, change in ipairs(changes) do
    list[i] = { name = change.name, added = 0, changed = 0, removed = 0 }
    for _, statement in ipairs(statements.publish(run.conn, change)) do
      local result = run.conn:query(statement.sql)
      if statement.counts then
        list[i][statement.counts] = list[i][statement.counts] + (result.affected or 0)
      end
    end
  end
  return list
end

--- Whether a table that is changed references one that is replaced: its new rows may need rows that
--- only the replacing table has, so they go in after the exchange.
---@param run pghost.Run
---@param tables string[] that are replaced
---@param changes pghost.modes.Change[]
---@return boolean
function M.after_exchange(run, tables, changes)
  for _, change in ipairs(changes) do
    for row in run.conn:query([[
        SELECT c.relname::text AS name FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.confrelid
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE k.contype = 'f' AND k.conrelid = $1::text::regclass AND n.nspname = $2]],
        change.published, run.target):rows() do
      for _, name in ipairs(tables) do
        if name == row.name then
          return true
        end
      end
    end
  end
  return false
end

return M
