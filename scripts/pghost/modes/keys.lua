-- The key of a change, as the published table compares it.

local columns = require "pghost.catalog.columns"
local errors = require "pghost.lib.errors"
local conditions = require "pghost.modes.conditions"
local lists = require "pghost.lib.lists"
local qualified = require "pghost.modes.qualified"
local relations = require "pghost.catalog.relations"
local table_facts = require "pghost.modes.table_facts"

local M = {}

--- The columns of a key; a collation where it is not that of the new rows.
---@param conn pghost.Connection
---@param published string quoted name of the published table
---@param key? string[]
---@param own table<string, pghost.catalog.Column> of the new rows
---@param there table<string, pghost.catalog.Column> of the published ones
---@return pghost.catalog.KeyColumn[]
function M.columns(conn, published, key, own, there)
  local list = key and columns.key(conn, published, key) or {}
  for _, column in ipairs(list) do
    local collation = there[column.name].collation
    column.collation = collation ~= own[column.name].collation and collation or nil
  end
  return list
end

local function terms(change)
  local list = lists.map(change.keys, function(column)
    return relations.quote(column.name) .. (column.collation and " COLLATE " .. column.collation or "")
  end)
  return table.concat(list, ", ")
end

--- The new rows have each key once; raises where the published table takes two of them for one.
---@param conn pghost.Connection
---@param change pghost.modes.Change
---@param schema string of the published table
function M.check(conn, change, schema)
  local has_other_collation = lists.find(change.keys, function(column)
    return column.collation
  end)
  if not has_other_collation then
    return
  end
  local text = ("pg_catalog.concat_ws(', ', %s)"):format(columns.list(change.keys))
  local row = conn:query(([[
    SELECT pg_catalog.min(%s COLLATE "C") AS one, pg_catalog.max(%s COLLATE "C") AS other FROM %s
    GROUP BY %s HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 1 LIMIT 1]]):format(text, text, change.new,
    terms(change)))[1]
  if row then
    errors.raise(("table '%s.%s': '%s' and '%s' are the same key there and different ones in the files: "
      .. "leave one out, or add a rule that makes them equal"):format(schema, change.name, row.one, row.other), "data")
  end
end

-- Whether a btree index of the table begins with a column.
local function is_indexed(conn, table_name, column)
  return conn:query(qualified [[
    SELECT EXISTS (
      SELECT 1 FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
        JOIN pg_catalog.pg_am AS m ON m.oid = c.relam AND m.amname = 'btree'
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
      WHERE i.indrelid = $1::pg_catalog.regclass AND i.indisvalid AND i.indpred IS NULL
        AND a.attname::pg_catalog.text = $2) AS yes]], table_name, column)[1].yes
end

-- Whether no published key lies between the first and the last new one, as with numbers that only grow: one index
-- lookup, where a join reads the whole index. Judged by the first column of the key.
local function is_apart(conn, change)
  local first = change.keys[1]
  if change.distributed or first.collation or first.cast ~= ""
    or not is_indexed(conn, change.published, first.name) then
    return false
  end
  local name = relations.quote(first.name)
  return conn:query(([[
    SELECT NOT EXISTS (
      SELECT 1 FROM %s AS p
      WHERE p.%s OPERATOR(pg_catalog.>=) (SELECT n.%s FROM %s AS n ORDER BY n.%s LIMIT 1)
        AND p.%s OPERATOR(pg_catalog.<=) (SELECT n.%s FROM %s AS n ORDER BY n.%s DESC LIMIT 1)) AS apart]]):format(
    change.published, name, name, change.new, name, name, name, change.new, name))[1].apart
end

--- SQL that finds the rows `n` of a built table whose key is published already.
---@param conn pghost.Connection
---@param new string quoted name of the built table
---@param published string quoted name of the published one
---@param key string[]
---@param joined { distributed: boolean, together: boolean } where the tables are
---@return string? from with the alias n; nil: there is none
---@return string? where
function M.published(conn, new, published, key, joined)
  local _, own = columns.read(conn, new)
  local _, there = columns.read(conn, published)
  local change = { mode = "append", new = new, published = published, distributed = joined.distributed,
    together = joined.together, few = table_facts.is_few(conn, new, published),
    keys = M.columns(conn, published, key, own, there) }
  if not is_apart(conn, change) then
    return conditions.new_rows(change) .. " AS n", conditions.is_published(change)
  end
end

return M
