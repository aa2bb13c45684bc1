-- Turns a loaded table into a partitioned one of the same name, in the build schema: which partitions there are is
-- known only when all records are in, and their key, rejects and corrections are settled.
--
-- One pass: the server routes the records. Indexes are built afterwards.

local errors = require "pghost.lib.errors"
local ways = require "pghost.partitions.ways"
local log = require "pghost.lib.log"
local relations = require "pghost.catalog.relations"
local session = require "pghost.publish.session"
local statistics = require "pghost.load.statistics"

local M = {}

local most_partitions <const> = 5000

local flat_name <const> = "pghost_flat"

---@class pghost.partitions.Part
---@field name string
---@field bounds string SQL after FOR VALUES; "DEFAULT" of the default partition

--- The partitions that the records of a table ask for.
---@param conn pghost.Connection with a search_path of pg_catalog
---@param plan { name: string, partition: pghost.partitions.Declared }
---@param from string quoted name of the table
---@param where? string SQL: only of these records
---@return pghost.partitions.Part[]
function M.wanted(conn, plan, from, where)
  local parts = {}
  for row in conn:query(ways.wanted(plan.partition, from, where)):rows() do
    parts[#parts + 1] = { name = plan.name .. row.name, bounds = row.bounds }
  end
  if #parts > most_partitions then
    errors.raise(("table '%s': by %s of '%s' it needs %s, more than %s: partition by a longer time, or by 'hash'")
      :format(plan.name, plan.partition.way.name, plan.partition.column.name, log.counted(#parts, "partition"),
        log.count(most_partitions)), "data")
  end
  return parts
end

--- The statement that makes one.
---@param part pghost.partitions.Part
---@return string
function M.for_values(part)
  return part.bounds == "DEFAULT" and "DEFAULT" or "FOR VALUES " .. part.bounds
end

-- A partition can be attached elsewhere without a look at its records: a CHECK says what they are.
M.bounds_check = "pghost_bounds"

local condition_query <const> = [[
  SELECT pg_catalog.pg_get_partition_constraintdef($1::pg_catalog.regclass) AS condition]]

local function create(conn, run, plan, flat, like)
  local tree, declared = run:qualified(plan.clean_table), plan.partition
  conn:query(("%s PARTITION BY %s (%s)"):format(like and like(tree)
    or ("CREATE TABLE %s (LIKE %s INCLUDING ALL EXCLUDING INDEXES EXCLUDING IDENTITY)"):format(tree, flat),
    declared.way.strategy, relations.quote(declared.column.name)))
  local parts = M.wanted(conn, plan, flat)
  if declared.default and not like then
    parts[#parts + 1] = { name = plan.name .. "_default", bounds = "DEFAULT" }
  end
  for _, part in ipairs(parts) do
    local name = run:qualified(part.name)
    conn:query(("CREATE TABLE %s PARTITION OF %s %s"):format(name, tree, M.for_values(part)))
    if like then
      conn:query(("ALTER TABLE %s ADD CONSTRAINT %s CHECK (%s)"):format(name, M.bounds_check,
        conn:query(condition_query, name)[1].condition))
    end
  end
  return tree, parts
end

-- A corrected record has passed the rules, not what rejected.lua asks of a loaded one.
local function check_all_fit(conn, plan, flat)
  local declared = plan.partition
  local left = not declared.default and conn:query(("SELECT pg_catalog.count(*) AS records FROM %s AS n WHERE (%s) "
    .. "IS NOT TRUE"):format(flat, ways.has_partition(declared.way, declared.column,
    "n." .. relations.quote(declared.column.name))))[1].records or 0
  if left > 0 then
    errors.raise(("table '%s': %s no partition by %s: correct '%s', or load with default = true"):format(plan.name,
      left == 1 and "a corrected record has" or log.count(left) .. " corrected records have", declared.way.name,
      declared.column.name), "data")
  end
end

local key_query <const> = [[
  SELECT pg_catalog.quote_ident(conname) AS name, pg_catalog.pg_get_constraintdef(oid) AS definition
  FROM pg_catalog.pg_constraint
  WHERE conrelid OPERATOR(pg_catalog.=) $1::pg_catalog.regclass::pg_catalog.oid
    AND contype OPERATOR(pg_catalog.=) 'p']]

local function fill(conn, plan, flat, tree, list)
  check_all_fit(conn, plan, flat)
  local before = conn:query("SELECT pg_catalog.count(*) AS records FROM " .. flat)[1].records
  local stored = conn:query(("INSERT INTO %s%s SELECT %s FROM %s"):format(tree, list and (" (%s)"):format(list) or "",
    list or "*", flat)).affected
  if stored ~= before then
    errors.raise(("table '%s': %s loaded, and %s in its partitions"):format(plan.name, log.counted(before, "record"),
      log.count(stored)), "account")
  end
end

--- Routes what was loaded into a partitioned table of the same name, and drops what it was loaded into.
---@param run pghost.Run
---@param plan pghost.Plan
---@param like? fun(name: string): string the statement that makes a table like the published one; its partitions can be
--- attached to that then. Without it the table is as it was loaded, with its key.
---@param list? string columns, quoted
---@return string tree quoted name
---@return pghost.partitions.Part[]
function M.of_flat(run, plan, like, list)
  local conn, flat = run.conn, run:qualified(flat_name)
  conn:query(("ALTER TABLE %s RENAME TO %s"):format(run:qualified(plan.clean_table), flat_name))
  local tree, parts = create(conn, run, plan, flat, like)
  fill(conn, plan, flat, tree, list)
  local key = not like and conn:query(key_query, flat)[1]
  conn:query("DROP TABLE " .. flat)
  if key then
    conn:query(("ALTER TABLE %s ADD CONSTRAINT %s %s"):format(tree, key.name, key.definition))
  end
  run.log:info("partitions", plan.name, ("%s by %s of %s"):format(log.counted(#parts, "partition"),
    plan.partition.way.name, plan.partition.column.name), { partitions = #parts })
  return tree, parts
end

--- Partitions what was loaded into the clean table.
---@param run pghost.Run
---@param plan pghost.Plan
---@return pghost.partitions.Part[]
function M.build(run, plan)
  local parts
  session.transaction(run.conn, function()
    local _, made = M.of_flat(run, plan)
    parts = made
  end)
  statistics.analyse(run.conn, run:qualified(plan.clean_table))
  return parts
end

return M
