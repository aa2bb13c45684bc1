-- The tables of a replay: rows that passed are compared by key with the published ones. It is added to the published
-- tables; where a table that its loads replace cannot be added to, it is rebuilt with what is published in it.
--
-- Tables are created and then filled, never CREATE TABLE AS, for servers that shard.

local addable = require "pghost.rejects.replay.addable"
local columns = require "pghost.catalog.columns"
local distribute = require "pghost.distribute"
local errors = require "pghost.lib.errors"
local modes = require "pghost.modes"
local column_names = require "pghost.catalog.names"
local outcome = require "pghost.rejects.replay.outcome"
local rehearsal = require "pghost.modes.rehearsal"
local relations = require "pghost.catalog.relations"
local row_security = require "pghost.catalog.row_security"
local snapshot = require "pghost.rejects.replay.snapshot"
local staging = require "pghost.rejects.replay.staging"
local statistics = require "pghost.load.statistics"
local tables = require "pghost.load.tables"

local M = {}

local function find(run, name)
  local found = run:find_table(name)
  if not found then
    errors.raise(("table '%s' is no longer in schema '%s': run the pipeline again"):format(name, run.target),
      "usage", { exit = 1 })
  end
  row_security.check(run.conn, found)
  return found
end

---@class pghost.replay.Published the published tables of a replay
---@field clean? string quoted name
---@field raw? string
---@field obstacle? string why they are rebuilt, and not added to

--- Finds them.
---@param run pghost.Run
---@param name string of the clean table
---@param targets { raw?: boolean, clean?: boolean }
---@return pghost.replay.Published
---@return string[]? columns of the raw table
function M.find(run, name, targets)
  local published = { clean = targets.clean and find(run, name) or nil,
    raw = targets.raw and find(run, name .. "_raw") or nil }
  if not published.raw then
    return published
  end
  local raw_columns = {}
  for _, column in ipairs((columns.read(run.conn, published.raw))) do
    raw_columns[#raw_columns + 1] = not column_names.own[column.name] and column.name or nil
  end
  return published, raw_columns
end

--- Finds out whether the published tables of loads that replace them can be added to: sets `obstacle` if not.
---@param run pghost.Run
---@param published pghost.replay.Published
---@param key? string[]
function M.find_obstacle(run, published, key)
  published.obstacle = published.clean and addable.obstacle(run.conn, published.clean, key)
    or published.raw and addable.obstacle(run.conn, published.raw) or nil
end

local function raise_changed(plan, name, is, was)
  errors.raise(("table '%s': column '%s' is %s by the rules and %s in the published table: a replay cannot change "
    .. "columns, run the pipeline again"):format(plan.name, name, is or "not there", was or "not there"), "usage",
    { exit = 1 })
end

-- The published columns must be those of the rules, and of the same types: what is in another one would be gone with
-- a rebuilt table, and records that are added would lack it.
local function check_columns(conn, plan, published_table, built)
  local list, own = columns.read(conn, built)
  local published_list, published = columns.read(conn, published_table)
  for _, one in ipairs { list, published_list } do
    for _, column in ipairs(one) do
      local is, was = own[column.name] and own[column.name].type, published[column.name] and published[column.name].type
      if is ~= was and not column_names.own[column.name] then
        raise_changed(plan, column.name, is, was)
      end
    end
  end
end

--- Creates the tables that the records are loaded into at first.
---@param run pghost.Run
---@param plan pghost.Plan
---@param published pghost.replay.Published
function M.create(run, plan, published)
  local conn = run.conn
  local function create(kind, definitions)
    conn:query(("CREATE TABLE %s (%s)"):format(staging.name(run, kind), definitions))
  end
  staging.create_outcome(run)
  create("map", staging.map_columns)
  create("rejects", tables.reject_columns)
  if plan.targets.raw then
    create("raw", tables.raw(plan.raw_columns))
  end
  if plan.targets.clean then
    create("clean", tables.clean(plan.clean_columns, true))
    if plan.mode == "replace" then
      check_columns(conn, plan, published.clean, staging.name(run, "clean"))
    end
  end
end

local function build_clean(run, plan, published)
  local conn, built = run.conn, run:qualified(plan.name)
  run:create_table(conn, plan.name, tables.clean(plan.clean_columns))
  snapshot.watch(run, published.clean)
  local list = columns.list(plan.clean_columns)
  for _, from_table in ipairs { published.clean, staging.name(run, "clean") } do
    conn:query(("INSERT INTO %s (%s) SELECT %s FROM %s"):format(built, list, list, from_table))
  end
  if plan.key then
    conn:query(("ALTER TABLE %s ADD PRIMARY KEY (%s)"):format(built, relations.list(plan.key)))
  end
  if not distribute.is_reference(run, plan.name) then
    statistics.analyse(conn, built)
  end
  run:built(plan.name)
end

local function raw_definitions(run, plan)
  return tables.raw(plan.raw_columns, tables.loaded_at(run.conn, run.started))
end

-- Records that could not be read before, and so are not in the raw table, and are loaded now. A raw table that has a
-- clean one beside it says what the files say, so no correction.
local function newly_readable(run, plan)
  return ("FROM %s JOIN %s AS o ON o.reject_id = m.reject_id AND o.state IN (%s) AND o.note IS NULL AND m.unreadable")
    :format(staging.from(run, "raw"), staging.name(run, "outcome"),
      plan.targets.clean and "'replayed'" or "'replayed', 'corrected'")
end

local function insert_newly_readable(run, plan, table_name)
  local list = relations.list(plan.raw_columns)
  return run.conn:query(("INSERT INTO %s (%s, _file_id, _line) SELECT %s, m.file_id, m.line %s"):format(
    run:qualified(table_name), list, relations.list(plan.raw_columns, "s.%s"), newly_readable(run, plan))).affected
end

local function build_raw(run, plan, published)
  local conn, name = run.conn, plan.name .. "_raw"
  if conn:query("SELECT pg_catalog.count(*) AS records " .. newly_readable(run, plan))[1].records == 0 then
    return
  end
  local list = relations.list(plan.raw_columns)
  snapshot.watch(run, published.raw)
  run:create_table(conn, name, raw_definitions(run, plan), plan.options.unlogged)
  conn:query(("INSERT INTO %s (%s, _file_id, _line, _loaded_at) SELECT %s, _file_id, _line, _loaded_at FROM %s")
    :format(run:qualified(name), list, list, published.raw))
  insert_newly_readable(run, plan, name)
  run:built(name)
end

-- Puts the rows that passed into the future published tables.
local function rebuild(run, plan, published)
  run.log:info("replay", plan.name, ("is rebuilt, not added to: %s"):format(published.obstacle))
  if plan.targets.clean then
    build_clean(run, plan, published)
  end
  if plan.targets.raw then
    build_raw(run, plan, published)
  end
end

-- By which a record that the server refuses is told (modes/refused.lua).
local position = ", _pghost_file bigint, _pghost_line bigint"

-- Of the rows that passed, those that the published table refuses stay rejects.
local function refuse(run, plan, change, counts)
  local list = rehearsal.refused(run, plan, { always = true, change = change })
  if #list > 0 then
    local loaded, corrected = outcome.refuse(run, list)
    rehearsal.remove(run.conn, run:qualified(plan.clean_table), list)
    counts.loaded, counts.corrected = counts.loaded - loaded, counts.corrected - corrected
    counts.rejected = counts.rejected + loaded + corrected
  end
end

-- Puts the rows that passed into separate tables, which publishing adds.
local function build_additions(run, plan, published, nullable, counts)
  local conn, changes = run.conn, {}
  if plan.targets.clean then
    local built, list = run:qualified(plan.clean_table), columns.list(plan.clean_columns)
    run:create_table(conn, plan.clean_table, tables.clean(plan.clean_columns) .. position)
    conn:query(("INSERT INTO %s (%s, _pghost_file, _pghost_line) SELECT %s, m.file_id, m.line FROM %s"):format(built,
      list, columns.list(plan.clean_columns, "s.%s"), staging.from(run, "clean")))
    if not distribute.is_reference(run, plan.clean_table) then -- Citus does not analyse one that it has just filled
      statistics.analyse(conn, built) -- it is joined with all of the published table
    end
    if plan.key then
      snapshot.watch_keys(run, plan, published.clean)
    end
    changes[1] = modes.addition(run, plan, "clean", true)
    changes[1].nullable = nullable
    refuse(run, plan, changes[1], counts)
  end
  if plan.targets.raw then
    run:create_table(conn, plan.raw_table, raw_definitions(run, plan), plan.options.unlogged)
    if insert_newly_readable(run, plan, plan.raw_table) > 0 then
      changes[#changes + 1] = modes.addition(run, plan, "raw", true)
    end
  end
  run:add_built { tables = {}, changes = changes }
end

local function build(run, plan, published, counts)
  local nullable
  if plan.mode == "replace" and plan.targets.clean and not published.obstacle then
    nullable, published.obstacle = addable.nullable(run.conn, published.clean, plan.clean_columns, plan.key,
      staging.name(run, "clean"))
  end
  if published.obstacle then
    rebuild(run, plan, published)
  else
    build_additions(run, plan, published, nullable, counts)
  end
end

local function drop(run, plan)
  local kinds = { "map", "rejects", plan.targets.raw and "raw" or nil }
  kinds[#kinds + 1] = plan.targets.clean and "clean" or nil
  for _, kind in ipairs(kinds) do
    run.conn:query("DROP TABLE " .. staging.name(run, kind))
  end
end

--- Notes what became of each reject, and builds the tables where something passed.
---@return { records: integer, loaded: integer, rejected: integer, filtered: integer }
function M.build(run, plan, published)
  local counts
  staging.analyse(run, { "map", "rejects", plan.targets.clean and "clean" or nil, plan.targets.raw and "raw" or nil })
  run.conn:transaction(function()
    counts = outcome.note(run, plan, { { name = published.clean, with_validity = plan.mode == "history" } })
    if counts.loaded + counts.corrected > 0 then
      build(run, plan, published, counts)
    end
    drop(run, plan)
  end)
  return counts
end

return M
