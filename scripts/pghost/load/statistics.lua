-- ANALYZE of the filled tables, within a tenth of the time that filling took: after `pghost load` in a separate
-- transaction, in a pipeline before checks and answers read the table.
--
-- What ANALYZE costs is the values of its sample, and the sample is 300 rows for each point of the statistics target
-- ("Statistics Used by the Planner" in the PostgreSQL manual), however wide the table. A wide table gets a smaller
-- sample; if even that would take too long `pghost load` leaves the table to autovacuum, which makes nobody wait, and a
-- pipeline analyses some of the columns, those of the key first.

local M = {}

local rows_per_point <const> = 300

-- Short texts under a collation that is not C, the slowest of what is common, on the machine of docs/PERFORMANCE.md.
local seconds_per_value <const> = 2e-6

-- A tenth of a short load is too little for any sample, and nobody notices a tenth of a second.
local least_seconds <const> = 0.1

-- A smaller sample is worse than none: autovacuum would consider the table analysed and skip it.
local least_target <const> = 10

local function values_in(seconds)
  return math.floor(math.max(seconds / 10, least_seconds) / seconds_per_value)
end

--- The statistics target whose sample is taken within a tenth of that time.
---@param columns integer
---@param seconds number that the load took
---@return integer? target nil: leave it to autovacuum
function M.target(columns, seconds)
  local target = values_in(seconds) // (columns * rows_per_point)
  return target >= least_target and math.min(target, 10000) or nil
end

local current_query <const> = [[
  SELECT pg_catalog.current_setting('default_statistics_target')::pg_catalog.int4 AS target]]

-- Set back by hand: inside of a transaction this one is a savepoint, whose settings stay.
local function analyse(conn, what, target, current)
  if target >= current then
    conn:query("ANALYZE " .. what)
    return
  end
  conn:transaction(function()
    conn:query("SET LOCAL default_statistics_target = " .. target)
    conn:query("ANALYZE " .. what)
    conn:query("SET LOCAL default_statistics_target = " .. current)
  end)
end

-- As a load writes them, where nobody has measured it.
local bytes_per_second <const> = 100e6

-- Columns as they are wanted: of the primary key, with a target of their own, then in order.
local columns_query <const> = [[
  SELECT pg_catalog.quote_ident(a.attname) AS name, pg_catalog.pg_table_size(a.attrelid) AS bytes,
    pg_catalog.current_setting('default_statistics_target')::pg_catalog.int4 AS target
  FROM pg_catalog.pg_attribute AS a
  LEFT JOIN pg_catalog.pg_index AS i ON i.indrelid = a.attrelid AND i.indisprimary
  WHERE a.attrelid = $1::regclass::oid AND a.attnum > 0 AND NOT a.attisdropped
  ORDER BY coalesce(a.attnum = ANY (i.indkey::smallint[]), false) DESC, a.attstattarget > 0 DESC, a.attnum]]

--- Updates the statistics of a table that checks, answers or a publish are going to need. Where there is no time for
--- all its columns, of some: autovacuum still comes for the others.
---@param conn pghost.Connection
---@param qualified string quoted name of the table
---@param seconds? number that filling it took (default: guessed by its size)
---@param most? integer statistics target that is enough
function M.analyse(conn, qualified, seconds, most)
  local names, bytes, current = {}, nil, nil
  for row in conn:query(columns_query, qualified):rows() do
    names[#names + 1], bytes, current = row.name, row.bytes, row.target
  end
  if #names == 0 then
    return
  end
  seconds = seconds or bytes / bytes_per_second
  local target = M.target(#names, seconds)
  if target then
    analyse(conn, qualified, math.min(target, most or target), current)
    return
  end
  local count = math.max(values_in(seconds) // (least_target * rows_per_point), 1)
  local some = table.concat(names, ", ", 1, math.min(count, #names))
  analyse(conn, ("%s (%s)"):format(qualified, some), least_target, current)
end

--- Updates the statistics of a table that was loaded and committed. A failure is a warning: the records are there.
---@param conn pghost.Connection outside of a transaction
---@param relation pghost.load.Relation
---@param seconds number that the load took
---@param say pghost.load.Say
function M.update(conn, relation, seconds, say)
  local target = M.target(#relation.columns, seconds)
  if not target then
    say("info", "analyze", ("%s has %d columns: its statistics are left to autovacuum, or run ANALYZE")
      :format(relation.qualified, #relation.columns))
    return
  end
  local good, problem = pcall(function()
    analyse(conn, relation.qualified, target, conn:query(current_query)[1].target)
  end)
  if not good then
    say("warn", "analyze", ("%s is loaded, but its statistics are not updated: %s"):format(relation.qualified,
      tostring(problem)))
  end
end

return M
