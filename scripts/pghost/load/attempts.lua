-- Attempts at one batch of a load of a run.
--
-- After a transient error the batch is loaded again, over new connections, as long as the run still has its own
-- connection and its lock: without them the whole run is retried (run/retry.lua). The same holds once a COMMIT with
-- unknown outcome has been sent. What an attempt created and copied is rolled back with its transaction; its rejects,
-- which are committed separately, are deleted.

local files = require "pghost.input.files"
local lists = require "pghost.lib.lists"
local retry = require "pghost.run.retry"
local sql = require "pghost.lib.sql"

local M = {}

local function holds_its_own(run)
  return run.conn:status() == "idle" and pcall(run.lock.check, run.lock, run.conn)
end

-- Before a clean the table has the rejects of run:stage; later ones belong to the clean.
local function newest_reject(run, plan)
  return plan.raw_source and run.conn:query([[
    SELECT pg_catalog.max(reject_id) AS id FROM pghost.rejects WHERE run_id = $1 AND table_name = $2]], run.id,
    plan.name)[1].id or 0
end

local function forget_rejects(run, plan, batch, result, newest)
  local ids = lists.map(batch.files, function(file)
    return result:of(file).id
  end)
  run.conn:query([[
    DELETE FROM pghost.rejects WHERE run_id = $1 AND table_name = $2 AND reject_id > $3
      AND ($4 OR file_id = ANY ($5::pg_catalog.int8[]))]], run.id, plan.name, newest, plan.raw_source ~= nil,
    sql.array(ids))
end

--- Calls fn until it has succeeded, or raises the last error.
---@param run pghost.Run
---@param plan pghost.Plan
---@param batch pghost.Batch whose files are recorded
---@param result pghost.Result
---@param fn fun(committing: fun()) one transaction; calls `committing` right before its COMMIT
function M.run(run, plan, batch, result, fn)
  local newest, committing = newest_reject(run, plan), false
  retry.attempts({ retries = run.settings.retries, name = plan.name, reached = true,
    say = function(level, kind, text)
      run.log[level](run.log, kind, plan.name, text)
    end,
    can_retry = function()
      return not committing and holds_its_own(run)
    end,
  }, function(session)
    local once = lists.find(batch.files, function(file)
      return file.read_once
    end)
    if once then
      session:never_again(files.once(once))
    end
    if session.attempt > 1 then
      run:drop_connections()
      forget_rejects(run, plan, batch, result, newest)
    end
    fn(function()
      committing = true
    end)
  end)
end

return M
