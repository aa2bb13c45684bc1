-- A standalone load into one table: what `pghost load` does.
--
-- Everything happens in one transaction of one connection: all of it is stored, or nothing. Rejects wait in a spool
-- until it is known whether there are too many. After a transient error everything is retried (run/retry.lua); whether
-- a transaction was committed is never guessed (run/commit.lua).

local commit = require "pghost.run.commit"
local dialect = require "pghost.input.dialect"
local errors = require "pghost.lib.errors"
local files = require "pghost.input.files"
local host = require "pghost.native.host"
local into_table = require "pghost.load.into_table"
local lists = require "pghost.lib.lists"
local load = require "pghost.load"
local log = require "pghost.lib.log"
local metadata = require "pghost.run.schema"
local reapply = require "pghost.rejects.reapply_load"
local rejects_file = require "pghost.rejects.file"
local reject_rules = require "pghost.load.reject_rules"
local rejects_parts = require "pghost.rejects.parts"
local relation = require "pghost.load.relation"
local retry = require "pghost.run.retry"
local sinks = require "pghost.load.sinks"
local spooled = require "pghost.load.spooled_rejects"
local spools = require "pghost.load.spool"
local sys = require "pghost.native.sys"
local taken_in = require "pghost.rejects.taken_in"

local M = {}

---@class pghost.by_itself.Options: pghost.load.TableOptions
---@field files string[] paths, globs, folders or "-"
---@field into string table as SQL names it
---@field schema? string for a table without one
---@field rules? pghost.Rules
---@field rejects_file? string
---@field rules_file? string path of those rules
---@field fixes? pghost.rejects.LoadFixes the records of the one file that are loaded; it also says what became of them
---@field rejects_table? boolean into pghost.rejects, as a run of its own
---@field force? boolean a rejects file that somebody has edited may be written over
---@field retries? integer attempts after the first one, after a transient error; default 2
---@field dsn? string
---@field progress? { enabled: boolean }
---@field shown? integer rejects that are returned
---@field say pghost.load.Say

---@class pghost.by_itself.Result
---@field table string
---@field files integer
---@field records integer
---@field loaded integer
---@field corrected integer rejects that were loaded as somebody had corrected them before
---@field rejected integer neither corrected nor waived
---@field waived integer
---@field filtered integer
---@field bytes integer
---@field seconds number
---@field run_id? integer
---@field profiles { records: integer, columns: pghost.ProfileColumn[] }[] of what was loaded, where that was wanted
---@field notices { severity: string, message: string }[] what the server said, at most 1,000

-- One attempt.
---@class pghost.by_itself.Job
---@field options pghost.by_itself.Options
---@field session pghost.retry.Session
---@field into pghost.load.Name
---@field conn pghost.Connection
---@field target pghost.load.IntoTable
---@field spool pghost.Spool
---@field writer? pghost.rejects.Writer
---@field committed boolean
---@field started? string by the server's clock, for rejects in a table
---@field plan? pghost.Plan
---@field result? pghost.Result

-- The first rejects, as errors that print as one line.
local function first_rejects(job, most)
  local list = job.spool:first(most, false, function(reject)
    return job.target.reapplied:is_open(reject)
  end)
  for i, reject in ipairs(list) do
    local file = job.plan.files[reject.file_id]
    list[i] = errors.new { message = reject.reason, file = file.name, column = reject.column,
      line = rejects_parts.line_of(reject.line, file) }
  end
  return list
end

-- Writes the rejects where the user wants them; before the COMMIT, so that nothing is loaded if writing fails.
local function keep_rejects(job, problem)
  if job.writer then
    if job.writer:is_final() then
      job.session:never_again(("rejects were written to '%s'"):format(job.options.rejects_file))
    end
    spooled.write(job)
  elseif job.options.rejects_table then
    return spooled.record(job, problem)
  end
end

-- The first line of a message of the server.
local function first_line(problem)
  return problem.message:match "^[^\n]*"
end

-- Triggers that have refused the records at the end are run with each record. If the first record that they refuse now
-- is not the first then, they judge records together: no single one is to blame.
local function check_same(job, late)
  local rule = reject_rules.of_code(late.code)
  local first = job.spool:first(1, false, function(reject)
    return reject.rule == rule
  end)[1]
  if not first or first.reason:sub(1, #first_line(late)) ~= first_line(late) then
    error(late, 0)
  end
end

local function load_all(job)
  local options = job.options
  if options.rejects_table or options.fixes then
    job.started = job.conn:query("SELECT pg_catalog.clock_timestamp()::pg_catalog.text AS now")[1].now
  end
  job.result, job.plan = load.run(job.target, sinks.spool(job.spool), options.files, options.rules, options)
  rejects_parts.check(job.plan, job.result)
  if job.late then
    check_same(job, job.late)
  end
  if options.fixes then
    return options.fixes:settle(job)
  end
  taken_in.mark(job)
  return keep_rejects(job)
end

-- Whether the table holds all that was loaded by the transaction of that id.
local function holds_all(job, conn, id)
  local good, found = pcall(conn.query, conn, ("SELECT pg_catalog.count(*) AS records FROM %s "
    .. "WHERE xmin = $1::xid8::xid"):format(job.target.relation.qualified), id)
  local loaded = job.result.totals.loaded + job.target.reapplied.totals.corrected
  return good and loaded > 0 and found[1].records == loaded
end

-- What to report and check when it is unknown whether the load was committed.
local function unknown_load(job)
  local kept = job.writer and ("; its rejects are in '%s'"):format(job.options.rejects_file) or ""
  local fixes = job.options.fixes
  return fixes and {
    what = "whether the fix was committed",
    advice = ("run it again: what it has taken in is not loaded twice"),
  } or {
    what = "whether the load was committed",
    advice = ("check whether %s holds its %s before loading again%s"):format(job.target.relation.qualified,
      log.counted(job.result.totals.loaded, "record"), kept),
  }, function(conn, id)
    return holds_all(job, conn, id)
  end
end

local function unknown_rejects(job)
  return {
    what = "whether the rejects of the aborted load are recorded",
    advice = ("nothing is loaded into %s; check pghost.rejects"):format(job.target.relation.qualified),
  }, function()
    return false
  end
end

-- A load that failed because of its rejects leaves them where the user asked for them.
local function keep_rejects_of_failure(job, problem)
  if job.writer then
    keep_rejects(job, problem)
    job.writer:keep()
  elseif job.options.rejects_table then
    commit.transaction(job.session, job.conn, function()
      return unknown_rejects(job)
    end, function()
      return keep_rejects(job, problem)
    end)
  end
end

-- The error of a load with too many rejects: if none are allowed, the first one.
local function over_budget(job, problem)
  local most = job.options.max_rejects
  if job.target.budget.spare > 0 then
    job.target.reapplied = reapply.look(job.target, job.plan)
  end
  if not most then
    problem = first_rejects(job, 1)[1] or problem
  else
    problem.shown = first_rejects(job, job.options.shown or 5)
  end
  keep_rejects_of_failure(job, problem)
  return problem
end

local foreign_key_violation <const> = "23503" -- SQLSTATE

local looked = {} -- raised to end the transaction

-- The first record that a self-referencing key refuses: the server reports it when all records are in, without a line.
-- So the load is retried as one that may have rejects, and rolled back.
local function first_orphan(job, problem)
  local options, first = job.options, nil
  local spool <close> = spools.new()
  local target <close> = into_table.new(job.conn, job.into, function() end, spool, { enabled = false })
  local _, ended = pcall(job.conn.transaction, job.conn, function()
    local _, plan = load.run(target, sinks.spool(spool), options.files, options.rules,
      setmetatable({ max_rejects = {} }, { __index = options }))
    first = target.staged and first_rejects({ spool = spool, plan = plan, target = target }, 1)[1]
    error(looked, 0)
  end)
  if ended == looked and first then
    first.code = problem.code
    return first
  end
  return problem
end

-- A rejects file gets its final name after the COMMIT, or if its outcome is unknown: it may replace a file that is
-- being loaded.
local function transaction(job)
  local good, result = pcall(commit.transaction, job.session, job.conn, function()
    return unknown_load(job)
  end, function()
    return load_all(job)
  end, function()
    job.committed = true
    host.done "the records are loaded"
  end)
  if (good or job.committed) and job.writer then
    job.writer:keep(true)
  elseif not good and job.writer and errors.is(result) and result.unsure then
    pcall(job.writer.keep, job.writer)
  elseif not good and errors.is(result) and job.target.over_budget then
    result = over_budget(job, result)
  elseif not good and errors.is(result) and result.code == foreign_key_violation and not result.line
    and not job.options.max_rejects and job.conn:status() ~= "lost" and not job.target.read_once then
    result = first_orphan(job, result)
  end
  if not good then
    error(result, 0)
  end
  return result
end

-- A rejects file is one, however many its records stand for.
local function count_files(planned)
  local count, seen = 0, {}
  for _, file in ipairs(planned) do
    count = count + (file.records and seen[file.name] and 0 or 1)
    seen[file.name] = true
  end
  return count
end

local function profiles_of(target)
  return lists.map(target.profiles, function(profile)
    local counts = profile:counts()
    return { records = counts and counts.rows or 0, columns = counts and profile:columns(20) or {} }
  end)
end

-- An error with file and line in the place of that of triggers that have waited, where it is the same one.
local function placed(late, problem)
  if not errors.is(problem) or not problem.line then
    return problem
  elseif problem.message:sub(1, #first_line(late)) ~= first_line(late) then
    return late
  end
  problem.code = late.code
  return problem
end

---@param late? pghost.Error of constraint triggers that have waited for the end: now they run with each record
local function attempt(options, into, writer, session, late)
  local conn <close> = session:connect()
  local spool <close> = spools.new()
  local target <close> = into_table.new(conn, into, options.say, spool, options.progress)
  local job = { committed = false, options = options, into = into, session = session, conn = conn, spool = spool,
    writer = writer, target = target, late = late }
  target.at_once = late ~= nil
  target.planned = function(plan)
    job.plan = plan
    if target.read_once then
      session:never_again(files.once(target.read_once))
    end
  end
  if options.rejects_table or options.fixes then
    metadata.migrate(conn)
  end
  local clock = sys.clock()
  local good, run_id = pcall(transaction, job)
  if not good and target.waited and not late and not target.read_once and conn:status() ~= "lost" then
    return attempt(options, into, writer, session, target.waited)
  elseif not good then
    error(late and conn:status() ~= "lost" and placed(late, run_id) or run_id, 0)
  end
  local totals, settled = job.result.totals, target.reapplied.totals
  target:analyse(job.plan, totals.loaded + settled.corrected, sys.clock() - clock)
  return { table = target.relation.qualified, files = count_files(job.plan.files), records = totals.records,
    loaded = totals.loaded, corrected = settled.corrected,
    rejected = totals.rejected - settled.corrected - settled.waived, waived = settled.waived,
    filtered = totals.filtered, bytes = totals.bytes, run_id = run_id, seconds = sys.clock() - clock,
    notices = conn:notices(), profiles = profiles_of(target) }, first_rejects(job, options.shown or 5)
end

--- Loads files into a table. Raises an error object when nothing was loaded: code "data" at the
--- first reject where none is allowed, "budget" where there are too many. One with `unsure` when
--- nobody knows whether the load was committed.
---@param options pghost.by_itself.Options
---@return pghost.by_itself.Result
---@return pghost.Error[] first rejects that were allowed
function M.load(options)
  dialect.check(options)
  local into = relation.name(options.into, options.schema)
  local writer <close> = options.rejects_file and rejects_file.writer(options.rejects_file,
    { force = options.force, loaded = files.resolve(options.files) }) or nil
  return retry.attempts({ retries = options.retries, dsn = options.dsn, name = options.into, say = options.say },
    function(session)
      return attempt(options, into, writer, session)
    end)
end

return M
