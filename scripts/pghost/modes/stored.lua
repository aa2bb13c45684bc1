-- Compares rows sent with rows stored. A trigger may return NULL for a row, a rule may do something else instead, and
-- the server then reports fewer rows inserted, or even all of them. What is published must be what was built.
--
-- If nothing acts on the rows of a table, the server's count is compared with ours. If something does, what the table
-- holds afterwards decides, and other sessions must not write to it at the same time.

local errors = require "pghost.lib.errors"
local log = require "pghost.lib.log"
local table_facts = require "pghost.modes.table_facts"

local M = {}

local function count(conn, query)
  return conn:query(query)[1].records
end

local function count_all(conn, table_name)
  return count(conn, "SELECT pg_catalog.count(*) AS records FROM " .. table_name)
end

-- Runs a statement; returns the number of rows it changed, and of those it should have changed but did not.
local function run_plain(conn, statement, new)
  local affected = conn:query(statement.sql).affected or 0
  return affected, statement.grows and count_all(conn, new) - affected or 0
end

local function run_watched(conn, statement, new)
  if not statement.counts then
    conn:query(statement.sql)
    return 0, 0
  end
  local due = statement.due and count(conn, statement.due)
  local before = statement.grows and not statement.left and count_all(conn, statement.grows)
  local affected = conn:query(statement.sql).affected or 0
  if due then
    return affected, due - affected
  elseif before then
    local grown = count_all(conn, statement.grows) - before
    return grown, count_all(conn, new) - grown
  end
  return affected, count(conn, statement.left)
end

local function raise(change, dropped, actors)
  errors.raise(("cannot publish '%s': %s sent %s not stored as sent: %s: change it, or load with allow_dropped = true")
    :format(change.name, log.counted(math.abs(dropped), "row"), math.abs(dropped) == 1 and "was" or "were",
      #actors > 0 and "the table has " .. table.concat(actors, ", ")
      or "the server counts a different number of rows"), "account")
end

---@class pghost.modes.Changed
---@field name string of the published table
---@field added integer
---@field changed integer
---@field removed integer
---@field dropped integer rows that a trigger or a rule has not stored as they were sent

--- Runs the statements of a change, counts what they did, and raises where that is not what they were to do.
---@param conn pghost.Connection in the transaction that publishes
---@param change pghost.modes.Change
---@param list pghost.modes.Statement[]
---@return pghost.modes.Changed
function M.run(conn, change, list)
  local counts = { name = change.name, added = 0, changed = 0, removed = 0, dropped = 0 }
  local actors = table_facts.actors(conn, change.published)
  local run = #actors > 0 and run_watched or run_plain
  if #actors > 0 then
    conn:query(("LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE"):format(change.published))
  end
  for _, statement in ipairs(list) do
    if statement.counts_each then
      local row = conn:query(statement.sql)[1]
      counts.added, counts.changed = counts.added + row.added, counts.changed + row.changed
    else
      local affected, dropped = run(conn, statement, change.new)
      if dropped ~= 0 and not change.allow_dropped then
        raise(change, dropped, actors)
      end
      counts.dropped = counts.dropped + dropped
      if statement.counts then
        counts[statement.counts] = counts[statement.counts] + affected
      end
    end
  end
  return counts
end

return M
