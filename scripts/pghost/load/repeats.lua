-- Records with a repeated key: kept out of the clean table while it is filled, and judged when all others are in.
--
-- The engine nominates them (bindings/load/keys.h), so the table that the COPY fills usually has each key once; what it
-- misses is left to primary_key.lua, which searches the whole table if the key cannot be created. The server decides
-- whether a nominated record is a duplicate, and which record of a key stays, by looking at these records and those
-- with the same keys. So the engine need not be exact.

local columns = require "pghost.catalog.columns"
local distribute = require "pghost.distribute"
local errors = require "pghost.lib.errors"
local primary_key = require "pghost.load.primary_key"
local relations = require "pghost.catalog.relations"
local spool = require "pghost.load.spool"
local tables = require "pghost.load.tables"

local M = {}

---@class pghost.load.Repeats
---@field run pghost.Run
---@field plan pghost.Plan
---@field spool pghost.Spool
---@field key integer[] columns of the program
---@field count integer records that the engine has nominated
---@field complete boolean it has looked at every key
---@field made? boolean the table has its primary key
---@field displaced? integer records of the table that one of them takes the place of; nil: not judged so far
local Repeats = {}
Repeats.__index = Repeats

-- Places of the key among the columns.
local function places(plan)
  local by_name, list = {}, {}
  for i, column in ipairs(plan.clean_columns) do
    by_name[column.name] = i
  end
  for i, name in ipairs(plan.key) do
    list[i] = by_name[name]
  end
  return list
end

--- For one attempt to load a table; nil: its duplicates are left to the server. So it is where a table comes together
--- from several COPYs, for a hook that may make another table of it, and for types that only the server reads.
---@param run pghost.Run
---@param plan pghost.Plan
---@param batch pghost.Batch
---@return pghost.load.Repeats?
function M.new(run, plan, batch)
  if plan.key and plan.targets.clean and not plan.kept and not run.settings.table_created
    and not distribute.is_placed(run, plan.clean_table) and not batch.program:needs_text() then
    return setmetatable({ run = run, plan = plan, spool = spool.new(), key = places(plan), count = 0,
      complete = true }, Repeats)
  end
end

function Repeats:close()
  self.spool:close()
end

--- Takes what the engine has counted.
---@param totals pghost.Totals
function Repeats:counted(totals)
  self.count, self.complete = totals.repeats, totals.keys_complete
  if not self.complete then
    self.run.log:info("key", self.plan.name, ("more keys than the setting memory = %d has room for: duplicates among "
      .. "the last ones are found by the server"):format(self.run.settings.memory))
  end
end

-- As much memory as building an index gets (maintenance_work_mem), so that a tenth of the records is sorted without
-- files; no JIT for statements that run for less than the second it takes.
local settings <const> = [[
  SELECT pg_catalog.set_config(name, CASE name WHEN 'jit' THEN 'off' ELSE '64MB' END, true) FROM pg_catalog.pg_settings
  WHERE name = 'jit' OR name = 'work_mem' AND setting::pg_catalog.int8 OPERATOR(pg_catalog.<) 65536]]

-- All of them as a table; the server numbers them as they come.
local function store(self, conn, name)
  conn:query(settings)
  local list = columns.list(self.plan.clean_columns)
  conn:query(([[
    CREATE TABLE %s (%s, _pghost_offset bigint, _pghost_length bigint, _pghost_original bytea,
      _pghost_place bigint GENERATED ALWAYS AS IDENTITY)]]):format(name, tables.clean(self.plan.clean_columns, true)))
  local stored = conn:copy_rows(([[
    COPY %s (%s, _file_id, _line, _pghost_offset, _pghost_length, _pghost_original) FROM STDIN (FORMAT binary)]])
    :format(name, list), self.spool.path)
  if stored ~= self.count then
    errors.raise(("sent %d records whose key came before but the server counted %d"):format(self.count, stored),
      "conservation")
  end
  conn:query(("ANALYZE %s (%s)"):format(name, relations.list(self.plan.key)))
end

-- The duplicates among all records of the keys that were nominated.
local function find_duplicates(self, conn, table_name, repeats, duplicates)
  local plan = self.plan
  primary_key.create_duplicates(conn, duplicates)
  local list = relations.list(plan.key)
  primary_key.collect(conn, plan, duplicates, ([[(
    SELECT %s, _file_id, _line, false AS built FROM %s
    UNION ALL
    SELECT %s, _file_id, _line, true FROM %s AS t WHERE EXISTS (SELECT 1 FROM %s AS r WHERE %s))]]):format(list,
    repeats, list, table_name, repeats, columns.same_key(columns.key(conn, table_name, plan.key), "r", "t")))
  return conn:query(([[
    SELECT pg_catalog.count(*) FILTER (WHERE built) AS displaced,
      pg_catalog.count(*) FILTER (WHERE NOT built) AS repeated
    FROM %s]]):format(duplicates))[1]
end

-- Puts the nominated records that stay into the table, like all others: with FREEZE if the table is new in this
-- transaction, so that any snapshot sees either all records or none.
local function keep_others(self, conn, table_name, repeats, duplicates, fresh)
  local staying = {}
  for row in conn:query(([[
    SELECT r._pghost_place AS place FROM %s AS r
    WHERE NOT EXISTS (SELECT 1 FROM %s AS d WHERE d.file_id OPERATOR(pg_catalog.=) r._file_id
      AND d.line OPERATOR(pg_catalog.=) r._line)
    ORDER BY r._pghost_place]]):format(repeats, duplicates)):rows() do
    staying[#staying + 1] = row.place
  end
  if #staying > 0 then
    local copy = tables.copy(table_name, { names = columns.names(self.plan.clean_columns), position = true,
      freeze = fresh })
    conn:copy_rows(copy, self.spool.path, #self.plan.clean_columns + 2, staying)
  end
  return #staying
end

--- Judges them, with all other records in the table: puts those that stay into it, takes out those that give way. What
--- is a duplicate is in the table of primary_key.names then.
---@param conn pghost.Connection in a transaction that sees all records
---@param fresh boolean which has made the table
---@return integer stored records more that the server has stored
function Repeats:judge(conn, fresh)
  if self.count == 0 then
    return 0
  end
  local table_name = self.run:qualified(self.plan.clean_table)
  local repeats, duplicates = primary_key.names(self.run)
  store(self, conn, repeats)
  -- Where the last stays, records of the table give way, and it may have to be rewritten: see primary_key.lua.
  self.made = not primary_key.last_stays(self.plan) and primary_key.try(conn, table_name, self.plan.key)
  local found = find_duplicates(self, conn, table_name, repeats, duplicates)
  if found.displaced > 0 then
    primary_key.remove(conn, table_name, duplicates)
  end
  local stayed = found.repeated < self.count and keep_others(self, conn, table_name, repeats, duplicates, fresh) or 0
  if stayed + found.repeated ~= self.count then
    errors.raise(("table '%s': of %d records whose key came before %d stay and %d are duplicates"):format(
      self.plan.name, self.count, stayed, found.repeated), "account")
  end
  self.displaced = found.displaced
  return self.count
end

return M
