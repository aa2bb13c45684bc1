-- What the definition of a table already guarantees: a check of it cannot fail, and proves nothing.

local lists = require "pghost.lib.lists"
local sql = require "pghost.lib.sql"

local M = {}

-- Unique, complete and not deferred, over NOT NULL columns that are all among those given.
local key_query <const> = [[
  SELECT EXISTS (
    SELECT 1 FROM pg_catalog.pg_index AS i
    WHERE i.indrelid OPERATOR(pg_catalog.=) $1::pg_catalog.text::pg_catalog.regclass
      AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
      AND NOT EXISTS (
        SELECT 1 FROM pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY AS k (attnum, place)
        LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid OPERATOR(pg_catalog.=) i.indrelid
          AND a.attnum OPERATOR(pg_catalog.=) k.attnum
          AND a.attnotnull AND a.attname::pg_catalog.text OPERATOR(pg_catalog.=) ANY ($2::pg_catalog.text[])
        WHERE k.place OPERATOR(pg_catalog.<=) i.indnkeyatts AND a.attnum IS NULL)
  ) AS present]]

--- Whether a key of the table makes these columns unique.
---@param c pghost.checks.Context
---@param check pghost.Check
---@return string? why
function M.unique(c, check)
  local array = sql.array(check.columns)
  return c.conn:query(key_query, c.relation(check.table), array)[1].present and "a key of the table ensures it" or nil
end

local labels_query <const> = [[
  SELECT coalesce(pg_catalog.bool_and(e.enumlabel::pg_catalog.text OPERATOR(pg_catalog.=)
    ANY ($3::pg_catalog.text[])), false) AS present
  FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_enum AS e ON e.enumtypid OPERATOR(pg_catalog.=) a.atttypid
  WHERE a.attrelid OPERATOR(pg_catalog.=) $1::pg_catalog.text::pg_catalog.regclass
    AND a.attname::pg_catalog.text OPERATOR(pg_catalog.=) $2]]

--- Whether the type of the column, an enum, has no other values.
---@param c pghost.checks.Context
---@param check pghost.Check
---@return string? why
function M.accepted_values(c, check)
  local values = lists.map(check.values, tostring)
  return c.conn:query(labels_query, c.relation(check.table), check.columns[1],
    sql.array(values))[1].present and "the type of the column has no other values" or nil
end

return M
