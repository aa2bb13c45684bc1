-- What other pipelines do to a table between the plan of a run and its publish.

local entries = require "pghost.ledger.entries"
local errors = require "pghost.lib.errors"
local qualified = require "pghost.modes.qualified"

local M = {}

local since_query = qualified [[
  SELECT coalesce(pg_catalog.max(f.run_id), 0) AS run_id
  FROM pghost.files AS f JOIN pghost.runs AS r ON r.run_id = f.run_id
  WHERE r.target_schema = $1 AND f.table_name = $2 AND f.published_at IS NOT NULL AND f.mode = 'replace']]

--- The run that has last rebuilt a table: what the ledger is read as of.
---@param run pghost.Run
---@param name string
---@return integer run_id 0: none
function M.since(run, name)
  return run.conn:query(since_query, run.target, name)[1].run_id
end

---@class pghost.ledger.Watched what the ledger was read as, to see at the publish whether it still is
---@field plan pghost.Plan
---@field since integer
---@field read { sha256: string, path: string, member?: string, name: string, known?: table }[] files

local function raise_concurrent(run, name, what)
  errors.raise(("cannot publish '%s.%s': %s: concurrent change, run the pipeline again"):format(run.target, name, what),
    "changed")
end

-- Another pipeline may have published into the table since the ledger was read.
local function check_watched(run, one)
  local plan = one.plan
  if M.since(run, plan.name) ~= one.since then
    raise_concurrent(run, plan.name, "another run has replaced it")
  elseif plan.forced or plan.first then
    return
  end
  local read = one.read
  local by_hash = entries.read(run, plan, read)
  for _, file in ipairs(read) do
    local known = by_hash[file.sha256]
    if known and known.run_id ~= run.id and known.file_id ~= (file.known and file.known.file_id) then
      raise_concurrent(run, plan.name, ("'%s' was loaded by run %d"):format(file.name, known.run_id))
    end
  end
end

--- Sees that no other run has brought the same files into these tables, or rebuilt them, since this
--- one has planned. Runs at the beginning of the transaction that publishes: those into one schema
--- come one after the other.
---@param run pghost.Run
---@param published table<string, true> tables that this run has published before
function M.check(run, published)
  run.conn:query("SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended("
    .. "pg_catalog.concat('pghost:publish:', $1::pg_catalog.text), 0))", run.target)
  for _, one in ipairs(run.watched) do
    if not (published[one.plan.name] or published[one.plan.name .. "_raw"]) then
      check_watched(run, one)
    end
  end
end

return M
