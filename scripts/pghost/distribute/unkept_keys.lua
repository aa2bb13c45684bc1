-- Foreign keys that a Citus cluster could not keep once tables go where they are to go, refused by name before anything
-- is loaded.
--
-- Citus has them between local tables, to reference tables, and between colocated tables if they contain the columns
-- that both are distributed by. https://docs.citusdata.com/en/stable/develop/reference_ddl.html, "Foreign Keys".

local cluster = require "pghost.distribute.cluster"
local errors = require "pghost.lib.errors"
local json = require "cjson"

local M = {}

---@class pghost.distribute.ForeignKey
---@field name string
---@field from string table, in the target schema
---@field to string
---@field from_columns string[]
---@field to_columns string[] in the same order

---@class pghost.distribute.End one of its tables
---@field name string
---@field placement pghost.distribute.Placement

local query = [[
  SELECT c.conname::pg_catalog.text AS name, f.relname::pg_catalog.text AS "from", t.relname::pg_catalog.text AS "to",
    (SELECT pg_catalog.json_agg(a.attname ORDER BY k.n)
      FROM pg_catalog.unnest(c.conkey) WITH ORDINALITY AS k (attnum, n) JOIN pg_catalog.pg_attribute AS a
        ON a.attrelid = c.conrelid AND a.attnum = k.attnum)::pg_catalog.text AS from_columns,
    (SELECT pg_catalog.json_agg(a.attname ORDER BY k.n)
      FROM pg_catalog.unnest(c.confkey) WITH ORDINALITY AS k (attnum, n) JOIN pg_catalog.pg_attribute AS a
        ON a.attrelid = c.confrelid AND a.attnum = k.attnum)::pg_catalog.text AS to_columns
  FROM pg_catalog.pg_constraint AS c JOIN pg_catalog.pg_class AS f ON f.oid = c.conrelid
    JOIN pg_catalog.pg_class AS t ON t.oid = c.confrelid JOIN pg_catalog.pg_namespace AS n ON n.oid = f.relnamespace
      AND n.oid = t.relnamespace
  WHERE c.contype = 'f' AND n.nspname = $1 AND $2 IN (f.relname, t.relname) ORDER BY c.conname, f.relname]]

local function is_of(kinds, ...)
  for _, finish in ipairs { ... } do
    if not kinds[finish.placement.kind] then
      return false
    end
  end
  return true
end

-- Whether rows that refer to each other are on one node: the keys pair the columns that both are distributed by.
local function are_paired(key, from, to)
  local a, b = from.placement, to.placement
  local same = a.colocation == nil or b.colocation == nil or a.colocation == b.colocation
  for i, column in ipairs(key.from_columns) do
    if same and column == a.column and key.to_columns[i] == b.column then
      return true
    end
  end
  return false
end

--- Whether Citus keeps a foreign key between tables that are so.
---@param key pghost.distribute.ForeignKey
---@param from pghost.distribute.End
---@param to pghost.distribute.End
---@return boolean
function M.is_possible(key, from, to)
  local home <const> = { ["local"] = true, schema = true }
  if is_of({ reference = true }, to) or is_of(home, from, to) then
    return true
  elseif is_of({ key = true }, from, to) then
    return are_paired(key, from, to)
  end
  return not is_of({ ["local"] = true, key = true, reference = true }, from, to) -- of other kinds Citus decides
end

-- Where a table goes in this run, or is.
local function end_of(run, name)
  return { name = name, placement = run.placements[name] or cluster.placement(run.conn, run.target, name) }
end

-- Whether the runs of this pipeline make a table, so that it may be elsewhere when this one publishes.
local function is_to_come(run, name)
  return not run.placements[name] and run.conn:query([[
    SELECT EXISTS (SELECT 1 FROM pghost.definitions AS d JOIN pghost.runs AS r ON r.run_id = d.run_id
      WHERE r.pipeline = $1 AND d.table_name = $2) AS yes]], run.name, name)[1].yes
end

---@param key pghost.distribute.ForeignKey
---@param from pghost.distribute.End
---@param to pghost.distribute.End
---@param described fun(placement: pghost.distribute.Placement): string
---@return string
function M.refusal(key, from, to, described)
  return ("table '%s': the foreign key '%s' to '%s' cannot be kept: '%s' would be %s, '%s' %s: distribute both by the "
    .. "columns of the key, make '%s' a reference table, or drop the key"):format(from.name, key.name, to.name,
    from.name, described(from.placement), to.name, described(to.placement), to.name)
end

--- Raises the first foreign key from or to a table that could not be kept. Tables that this run has yet to plan are
--- left to their own plan.
---@param run pghost.Run
---@param name string
---@param described fun(placement: pghost.distribute.Placement): string
---@param all_planned? boolean
function M.check(run, name, described, all_planned)
  for key in run.conn:query(query, run.target, name):rows() do
    local other = key.from == name and key.to or key.from
    key.from_columns, key.to_columns = json.decode(key.from_columns), json.decode(key.to_columns)
    local from, to = end_of(run, key.from), end_of(run, key.to)
    if not M.is_possible(key, from, to) and (all_planned or not is_to_come(run, other)) then
      errors.raise(M.refusal(key, from, to, described), "usage", { exit = 1 })
    end
  end
end

return M
