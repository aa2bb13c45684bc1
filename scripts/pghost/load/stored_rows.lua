-- Rows that a table has before a load and after it, where COPY's own count does not say what was stored: a trigger
-- after the row, or at the end of the statement or the transaction, may delete; one of a view may store nothing.

local errors = require "pghost.lib.errors"

local M = {}

-- Triggers that run after an INSERT, for each row or statement, or in the place of one; also of partitions.
local acts_query = [[
  SELECT EXISTS (
    SELECT 1 FROM pg_catalog.pg_trigger AS t
    WHERE (t.tgrelid = $1::pg_catalog.regclass::pg_catalog.oid
        OR t.tgrelid IN (SELECT relid::pg_catalog.oid FROM pg_catalog.pg_partition_tree($1::pg_catalog.regclass)))
      AND NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgtype::pg_catalog.int4 OPERATOR(pg_catalog.&) 4 = 4
      AND t.tgtype::pg_catalog.int4 OPERATOR(pg_catalog.&) 2 = 0) AS acts]]

local denied = "42501" -- SQLSTATE

local function count_all(conn, relation)
  return conn:query("SELECT pg_catalog.count(*) AS records FROM " .. relation.qualified)[1].records
end

--- Rows of a table that something acts on; locks it against other writers. nil: COPY's count will do, or this role may
--- not lock or read the table.
---@param conn pghost.Connection in a transaction
---@param relation pghost.load.Relation
---@return integer?
function M.count(conn, relation)
  if not relation.guarded or not conn:query(acts_query, relation.qualified)[1].acts then
    return nil
  end
  local counted, found = pcall(conn.transaction, conn, function()
    conn:query(("LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE"):format(relation.qualified))
    return count_all(conn, relation)
  end)
  if not counted and not (errors.is(found) and found.code == denied) then
    error(found, 0)
  end
  return counted and found or nil
end

--- How many rows of those that were sent are not in the table; negative: it has more. What is deferred to the COMMIT
--- runs here.
---@param conn pghost.Connection in the transaction of the load
---@param relation pghost.load.Relation
---@param before integer from M.count
---@param sent integer
---@return integer
function M.missing(conn, relation, before, sent)
  conn:query "SET CONSTRAINTS ALL IMMEDIATE"
  return sent - (count_all(conn, relation) - before)
end

return M
