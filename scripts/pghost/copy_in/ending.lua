-- The end of a load: its rejects, its COMMIT, and what is said where nobody knows how that ended.

local commit = require "pghost.copy_in.commit"
local errors = require "pghost.lib.errors"
local log = require "pghost.lib.log"
local record = require "pghost.copy_in.record"

local M = {}

--- Writes the rejects of a job where the user wants them. Before the COMMIT: where that fails nothing is loaded.
---@param job pghost.copy_in.Job
---@param problem? pghost.Error of a load that was given up
---@return integer? run_id
function M.keep_rejects(job, problem)
  if job.writer then
    job.session.once = job.writer:is_final() and ("rejects have gone to '%s'"):format(job.writer.path)
      or job.session.once
    job.writer:write(job.spool, job.files)
  elseif job.options.rejects_table then
    return record.save(job.conn, job, job.options.version, problem)
  end
end

-- Whether the table holds all that was loaded by the transaction of that id.
local function holds_all(job, conn, id)
  local good, result = pcall(conn.query, conn,
    ("SELECT count(*) AS records FROM %s WHERE xmin = $1::xid8::xid"):format(job.target.qualified), id)
  return good and job.totals.loaded > 0 and result[1].records == job.totals.loaded
end

-- What there is to say, and to look at, where nobody knows whether the load was committed.
local function describe_load(job)
  local kept = job.writer and ("; its rejects are in '%s'"):format(job.writer.path) or ""
  return {
    what = "whether the load was committed",
    advice = ("look whether %s holds its %s before loading again%s"):format(job.target.qualified,
      log.counted(job.totals.loaded, "record"), kept),
    proof = function(conn, id)
      return holds_all(job, conn, id)
    end,
  }
end

local function describe_rejects(job)
  return {
    what = "whether the rejects of a load that was given up are recorded",
    advice = ("nothing is loaded into %s; look into pghost.rejects"):format(job.target.qualified),
    proof = function()
      return false
    end,
  }
end

--- A load that was given up because of its rejects leaves them where the user wants to look.
---@param job pghost.copy_in.Job
---@param problem pghost.Error
function M.keep_rejects_of_failure(job, problem)
  if not job.over_budget then
    return
  elseif job.writer then
    M.keep_rejects(job, problem)
    job.writer:keep()
  elseif job.options.rejects_table then
    commit.transaction(job.session, job.conn, function()
      return describe_rejects(job)
    end, function()
      return M.keep_rejects(job, problem)
    end)
  end
end

--- Runs load_all(job) in the transaction of a job. A rejects file gets its place behind the COMMIT, and
--- where nobody knows how that ended: it may take the place of a file that is loaded.
---@param job pghost.copy_in.Job
---@param load_all fun(job: pghost.copy_in.Job): integer?
---@return boolean good
---@return any run_id or problem
function M.commit(job, load_all)
  local good, result = pcall(commit.transaction, job.session, job.conn, function()
    return describe_load(job)
  end, function()
    return load_all(job)
  end)
  if good and job.writer then
    job.writer:keep(true)
  elseif job.writer and errors.is(result) and result.unsure then
    pcall(job.writer.keep, job.writer)
  end
  return good, result
end

return M
