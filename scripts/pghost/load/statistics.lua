-- ANALYZE after a load, in a transaction of its own, within a tenth of the time that the load took.
--
-- What ANALYZE costs is the values of its sample, and the sample is 300 rows for each point of the statistics target
-- ("Statistics Used by the Planner" in the PostgreSQL manual), however wide the table. A wide table gets a smaller
-- sample; where even that would take too long the table is left to autovacuum, which does not make anybody wait.

local M = {}

local rows_per_point <const> = 300

-- Short texts under a collation that is not C, the slowest of what is common, on the machine of docs/PERFORMANCE.md.
local seconds_per_value <const> = 2e-6

-- A tenth of a short load is too little for any sample, and nobody notices a tenth of a second.
local least_seconds <const> = 0.1

-- A smaller sample is worse than none: autovacuum takes the table for analysed and leaves it as it is.
local least_target <const> = 10

--- The statistics target whose sample is taken within a tenth of that time.
---@param columns integer
---@param seconds number that the load took
---@return integer? target nil: leave it to autovacuum
function M.target(columns, seconds)
  local values = math.max(seconds / 10, least_seconds) / seconds_per_value
  local target = math.floor(values / (columns * rows_per_point))
  return target >= least_target and math.min(target, 10000) or nil
end

local function analyse(conn, qualified, target)
  conn:transaction(function()
    conn:query([[SELECT pg_catalog.set_config('default_statistics_target', LEAST($1::bigint,
      pg_catalog.current_setting('default_statistics_target')::bigint)::pg_catalog.text, true)]], target)
    conn:query("ANALYZE " .. qualified)
  end)
end

--- Updates the statistics of a table that was loaded and committed. A failure is a warning: the records are there.
---@param conn pghost.Connection outside of a transaction
---@param relation pghost.load.Relation
---@param seconds number that the load took
---@param say pghost.load.Say
function M.update(conn, relation, seconds, say)
  local target = M.target(#relation.columns, seconds)
  if not target then
    say("info", "analyze", ("%s has %d columns: its statistics are left to autovacuum, or run ANALYZE"):format(
      relation.qualified, #relation.columns))
    return
  end
  local good, problem = pcall(analyse, conn, relation.qualified, target)
  if not good then
    say("warn", "analyze", ("%s is loaded, but its statistics are not updated: %s"):format(relation.qualified,
      tostring(problem)))
  end
end

return M
