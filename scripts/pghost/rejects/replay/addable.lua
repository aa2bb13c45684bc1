-- Whether a replay may add to a table that its loads replace. The cost of adding depends on what is added; rebuilding
-- the table as a copy costs all of it. But an exchange of tables refreshes materialized views, fires no triggers, and
-- creates the key and the NOT NULL columns of the current rules. Where that makes a difference the table is rebuilt,
-- and so is one that is not pghost's: the exchange refuses it by name.

local columns = require "pghost.catalog.columns"
local lists = require "pghost.lib.lists"
local qualified = require "pghost.modes.qualified"
local relations = require "pghost.catalog.relations"
local table_facts = require "pghost.modes.table_facts"

local M = {}

-- The number of records up to which a column may lose its NOT NULL in the transaction that publishes: readers of the
-- table wait for that lock until the COMMIT.
local most_behind_lock <const> = 2000

-- Everything that depends on the table; a view stands for its rule.
local query = qualified [[
  WITH RECURSIVE reach (classid, objid) AS (
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, $1::pg_catalog.regclass::pg_catalog.oid
    UNION
    SELECT CASE WHEN w.oid IS NULL THEN d.classid ELSE 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid END,
      coalesce(w.ev_class, d.objid)
    FROM reach AS r
      JOIN pg_catalog.pg_depend AS d ON d.refclassid = r.classid AND d.refobjid = r.objid
      LEFT JOIN pg_catalog.pg_rewrite AS w ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass::pg_catalog.oid
        AND w.oid = d.objid
  )
  SELECT p.relation IS NOT NULL AND c.relkind IN ('r', 'p') AS ours, (
      SELECT pg_catalog.min(v.relname::pg_catalog.text)
      FROM reach AS r JOIN pg_catalog.pg_class AS v ON v.oid = r.objid AND v.relkind = 'm'
      WHERE r.classid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid) AS view,
    EXISTS (SELECT 1 FROM pg_catalog.pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary) AS has_key
  FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN pghost.published AS p ON p.schema_name = n.nspname::pg_catalog.text
      AND p.table_name = c.relname::pg_catalog.text AND p.relation = c.oid
  WHERE c.oid = $1::pg_catalog.regclass]]

local function has_key(conn, table_name, key, found)
  if not key then
    return not found.has_key
  end
  return columns.is_primary_key(conn, table_name, key)
end

--- Why a table cannot be added to, but has to be rebuilt; nil: it can.
---@param conn pghost.Connection
---@param table_name string quoted
---@param key? string[] of the rules
---@return string?
function M.obstacle(conn, table_name, key)
  local found = conn:query(query, table_name)[1]
  if not found.ours then
    return "pghost has not published it"
  elseif found.view then
    return ("materialized view '%s' is refreshed"):format(found.view)
  elseif not has_key(conn, table_name, key, found) then
    return "its primary key is not that of the rules"
  end
  local actor = table_facts.actors(conn, table_name)[1]
  return actor and actor .. " is not to fire" or nil
end

-- The columns that a run of pghost has built NOT NULL, and that the rules do not require now.
local function relaxed(conn, table_name, wanted)
  local required, list = {}, {}
  for _, column in ipairs(wanted) do
    required[column.name] = column.required
  end
  local rows = conn:query(qualified [[
    SELECT a.attname::pg_catalog.text AS name FROM pghost.published AS p, pg_catalog.pg_attribute AS a
    WHERE p.relation = $1::pg_catalog.regclass::pg_catalog.oid AND a.attrelid = p.relation
      AND a.attname::pg_catalog.text = ANY (p.not_null) AND a.attnotnull
    ORDER BY a.attnum]], table_name)
  for row in rows:rows() do
    list[#list + 1] = required[row.name] == false and row.name or nil
  end
  return list
end

--- The columns that must lose their NOT NULL for what is added, and why that cannot be done while it is.
---@param conn pghost.Connection
---@param table_name string quoted
---@param wanted { name: string, required: boolean }[] columns of the rules
---@param key? string[]
---@param new string quoted name of the table of what is added
---@return string[] names
---@return string? obstacle
function M.nullable(conn, table_name, wanted, key, new)
  local in_key, names, most = lists.set(key or {}), {}, 0
  for _, name in ipairs(relaxed(conn, table_name, wanted)) do
    local count = in_key[name] and 0 or conn:query(("SELECT pg_catalog.count(*) AS records FROM %s WHERE %s IS NULL")
      :format(new, relations.quote(name)))[1].records
    names[#names + 1] = count > 0 and name or nil
    most = math.max(most, count)
  end
  return names, most > most_behind_lock and ("'%s' is no longer required"):format(names[1]) or nil
end

return M
