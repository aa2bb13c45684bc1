-- Runs as they are recorded in the schema `pghost`: finding one for the commands that show it.
--
-- Not for writing the history (history.lua).

local connection = require "pghost.connection"
local errors = require "pghost.lib.errors"
local metadata = require "pghost.run.schema"
local own_runs = require "pghost.run.own_runs"

local M = {}

-- Whether there is a history, and whether it has what these commands read. Commands that only read it need no right to
-- write to it.
local function look(conn)
  local row = conn:query([[
    SELECT pg_catalog.count(*) FILTER (WHERE c.relname = 'runs') AS runs,
      pg_catalog.count(*) FILTER (WHERE c.relname = 'v_runs') AS newest
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = 'pghost' AND c.relname IN ('runs', 'v_runs')]])[1]
  return row.runs > 0, row.newest > 0
end

--- A connection to the database with the history.
---@return pghost.Connection conn to be kept in a `<close>` variable
---@return boolean present
function M.open()
  local conn = connection.open()
  metadata.check_trust(conn)
  local present, complete = look(conn)
  if present and not complete then
    metadata.migrate(conn)
  end
  return conn, present
end

--- A number of a run as somebody typed it.
---@param text string
---@return integer? run_id
---@return string? message
function M.number(text)
  local number = text:find("^%d+$") and math.tointeger(tonumber(text))
  if not number then
    return nil, ("number of a run expected, got '%s'"):format(text)
  end
  return number
end

local columns = [[run_id, pipeline, target_schema, state, script,
  pg_catalog.array_to_json(given)::text AS given, config::text AS config, replay_of,
  pg_catalog.to_char(started_at, 'YYYY-MM-DD HH24:MI:SS TZ') AS started]]

--- One run; raises when there is none of that number.
---@param conn pghost.Connection
---@param present boolean from open
---@param run_id integer
---@return table row
function M.find(conn, present, run_id)
  local row = present and conn:query(("SELECT %s FROM pghost.runs WHERE run_id = $1"):format(columns), run_id)[1]
  if not row then
    errors.raise(("no run %d in this database: `pghost runs` lists them"):format(run_id), "usage", { exit = 1 })
  end
  return row
end

--- The last run that is not a replay or a fix: the rejects of those are of the run that they are of. In a project it
--- is the project's last one.
---@param conn pghost.Connection
---@param present boolean from open
---@return table? row nil: there is none, and own_runs.none() says so
function M.last(conn, present)
  return present and conn:query(([[
    SELECT %s FROM pghost.runs
    WHERE replay_of IS NULL AND NOT (pipeline = 'load' AND config ? 'fix')
      AND ($1::text[] IS NULL OR script = ANY ($1::text[]))
    ORDER BY run_id DESC LIMIT 1]]):format(columns), own_runs.scripts(conn))[1] or nil
end

--- The number of the run that a command tells of: the one given, or the last one; raises where there is none.
---@param options { run?: integer, pipeline?: string } of the command line
---@param last integer? the last one, of that pipeline if it is given
---@param what? string that runs must have: "checks"
---@return integer run_id
function M.chosen(options, last, what)
  local number = options.run or last
  if not number then
    errors.raise(options.pipeline and ("no run of pipeline '%s'%s: `pghost runs` lists the runs"):format(
      options.pipeline, what and " has " .. what or "")
      or what and ("no %s yet: no pipeline with %s has run in this database"):format(what, what)
      or own_runs.none(), "usage", { exit = 1 })
  end
  return number
end

return M
