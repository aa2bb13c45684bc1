-- Files into one table that exists, or is made after their header: what `pghost load` does.
--
-- Everything happens in one transaction of one connection: all of it is there afterwards, or
-- nothing. Rejects wait in a spool until it is known whether there are too many. What may pass is
-- tried again (attempts.lua); whether a transaction was committed is never guessed (commit.lua).

local attempts = require "pghost.copy_in.attempts"
local dialect = require "pghost.input.dialect"
local ending = require "pghost.copy_in.ending"
local errors = require "pghost.lib.errors"
local feed = require "pghost.load.feed"
local log = require "pghost.lib.log"
local metadata = require "pghost.run.schema"
local native_load = require "pghost.native.load"
local planning = require "pghost.copy_in.planning"
local progress = require "pghost.lib.progress"
local rejects = require "pghost.copy_in.rejects"
local spools = require "pghost.copy_in.spool"
local sys = require "pghost.native.sys"
local target = require "pghost.copy_in.target"

local M = {}

-- Below this many rows autovacuum's own ANALYZE comes soon enough.
local analyse_from = 10000

---@class pghost.copy_in.Options: pghost.Dialect
---@field files string[] paths, globs, folders or "-"
---@field into string table as SQL names it
---@field schema? string for a table without one
---@field rules? pghost.Rules
---@field create? boolean
---@field truncate? boolean
---@field workers? integer
---@field dialect? "auto" found by looking at each file, where no option says it
---@field null_text? string this text is NULL too
---@field max_rejects? { count?: integer, percent?: number } nil: none
---@field rejects_file? string
---@field rejects_table? boolean into pghost.rejects, as a run of its own
---@field analyse? boolean default true
---@field retries? integer attempts after the first one, where what failed may pass; default 2
---@field dsn? string
---@field version? string of pghost, for the recorded run
---@field progress? { enabled: boolean }
---@field say fun(text: string, level?: string) for what a user should know on the way

---@class pghost.copy_in.Result
---@field table string
---@field files integer
---@field records integer
---@field loaded integer
---@field rejected integer
---@field filtered integer
---@field bytes integer
---@field run_id? integer
---@field notices { severity: string, message: string }[] what the server said, at most 1,000

-- Loading -----------------------------------------------------------------------------------------

-- FREEZE as in filling.lua: what this transaction has made or emptied is full of rows that are done with.
local function copy_statement(job, batch)
  local names = {}
  for i, name in ipairs(batch.names) do
    names[i] = job.conn:quote_identifier(name)
  end
  return ("COPY %s (%s) FROM STDIN (FORMAT %s%s)"):format(job.target.qualified, table.concat(names, ", "),
    batch.as_text and "text" or "binary", job.fresh and ", FREEZE" or "")
end

-- Where the load has to stop. A share is of all batches together: of several it is known at the end.
local function reject_options(job, batch)
  local most = job.options.max_rejects
  if not (most and most.percent) then
    return { path = job.spool.path, limit = (most and most.count or 0) - job.totals.rejected }
  end
  return { path = job.spool.path, share = #job.batches == 1 and most.percent / 100 or nil,
    expected_bytes = feed.size(batch.files) }
end

local function open_load(job, batch)
  return errors.check(native_load.open {
    program = batch.program,
    workers = job.options.workers,
    clean = { conn = job.conn.native, copy = copy_statement(job, batch), format = batch.as_text and "text" or nil },
    rejects = reject_options(job, batch),
  })
end

local function load_batch(job, batch)
  local load <close> = open_load(job, batch)
  local name = #batch.files == 1 and batch.files[1].name or log.counted(#batch.files, "file")
  local bar <close> = progress.new(name, feed.size(batch.files), job.options.progress)
  feed.run(load, batch.files, {
    open = function(file)
      return file.source or planning.open_source(job, file)
    end,
    options = function(file, source)
      if table.concat(source:columns(), "\0") ~= table.concat(file.header, "\0") then
        errors.raise("the header changed while the load was on", "data", { file = file.name })
      end
      return { file_id = file.id, clean_map = file.map }
    end,
    done = function(file, counts)
      file.counts = counts
      for total in pairs(job.totals) do
        job.totals[total] = job.totals[total] + counts[total]
      end
      local others = dialect.describe_lines(counts.lines)
      if others then
        job.options.say(("%s: %s"):format(file.name, others))
      end
      local repaired = dialect.describe(counts.repairs)
      if repaired then
        job.options.say(("%s: %s"):format(file.name, repaired), "warn")
      end
    end,
    progress = function(records, bytes)
      bar:update(records, bytes)
    end,
  })
  local totals, message, code = load:finish()
  if not totals then
    local alone = #batch.files == 1 and not message:find(batch.files[1].name, 1, true)
    errors.raise(message, code, { file = alone and batch.files[1].name or nil })
  end
end

-- Rejects -----------------------------------------------------------------------------------------

-- The first rejects, as errors that print as one line.
local function first_rejects(job, most)
  local list = job.spool:first(most, (job.options.workers or 1) == 1)
  for i, reject in ipairs(list) do
    list[i] = errors.new { message = reject.reason, file = job.files[reject.file_id].name,
      line = rejects.line_of(reject, job.files), column = reject.column }
  end
  return list
end

local function raise_budget(job, text)
  job.over_budget = true
  if not job.options.max_rejects then
    error(first_rejects(job, 1)[1], 0)
  end
  errors.raise(text, "budget")
end

local function check_percent(job)
  local most, totals = job.options.max_rejects, job.totals
  if most and most.percent and totals.rejected * 100 > most.percent * totals.records then
    raise_budget(job, ("%s of %s rejected, --max-rejects allows %g%%: nothing is loaded"):format(
      log.count(totals.rejected), log.counted(totals.records, "record"), most.percent))
  end
end

-- For a load that the engine has stopped.
local function raise_over(job, problem)
  local most = job.options.max_rejects
  raise_budget(job, most and most.percent and problem.message .. ": nothing is loaded"
    or ("more rejected records than the %s that --max-rejects allows: nothing is loaded")
      :format(log.count(most and most.count or 0)))
end

local function load_batches(job)
  for _, batch in ipairs(job.batches) do
    local good, problem = pcall(load_batch, job, batch)
    if not good and errors.is(problem) and problem.code == "budget" then
      raise_over(job, problem)
    elseif not good then
      error(problem, 0)
    end
  end
  check_percent(job)
end

-- All -----------------------------------------------------------------------------------------------

local function analyse(job)
  if job.options.analyse ~= false and job.target.can_analyse and job.totals.loaded >= analyse_from then
    job.conn:query("ANALYZE " .. job.target.qualified)
  end
end

local function load_all(job)
  local options = job.options
  job.started = job.conn:query("SELECT clock_timestamp()::text AS now")[1].now
  if not options.create then
    job.target = target.find(job.conn, target.parse(options.into, options.schema))
  end
  planning.open_files(job)
  if options.create then
    planning.create_table(job)
  end
  planning.make(job)
  if options.truncate then
    job.conn:query("TRUNCATE " .. job.target.qualified)
    options.say(("emptied %s, in the same transaction"):format(job.target.qualified))
  end
  if options.create or options.truncate then
    job.fresh = job.target.kind == "r"
    job.conn:write_early()
  end
  load_batches(job)
  analyse(job)
  return ending.keep_rejects(job)
end

-- Takes what is opened with it.
local function close_job(job)
  for _, file in ipairs(job.files) do
    if file.source then
      file.source:close()
    end
  end
  for _, parts in ipairs(job.parts) do
    getmetatable(parts).__close(parts)
  end
end

local function load_once(options, writer, session)
  local conn <close> = session:connect()
  local spool <close> = spools.new()
  local job <close> = setmetatable({
    options = options, session = session, conn = conn, spool = spool, writer = writer, files = {}, parts = {},
    totals = { records = 0, loaded = 0, rejected = 0, filtered = 0, bytes = 0 },
  }, { __close = close_job })
  if options.rejects_table then
    metadata.migrate(conn)
  end
  local clock = sys.clock()
  local good, result = ending.commit(job, load_all)
  if not good then
    if errors.is(result) then
      result.shown = job.over_budget and options.max_rejects and first_rejects(job, options.shown or 5) or nil
      ending.keep_rejects_of_failure(job, result)
    end
    error(result, 0)
  end
  job.totals.table, job.totals.files, job.totals.run_id = job.target.qualified, #job.files, result
  job.totals.seconds, job.totals.notices = sys.clock() - clock, conn:notices()
  return job.totals, first_rejects(job, options.shown or 5)
end

--- Loads files into a table. Raises an error object when nothing was loaded: code "data" at the
--- first reject where none is allowed, "budget" where there are too many. One with `unsure` when
--- nobody knows whether the load was committed.
---@param options pghost.copy_in.Options
---@return pghost.copy_in.Result
---@return pghost.Error[] first rejects that were allowed
function M.load(options)
  dialect.check(options)
  local writer <close> = options.rejects_file and rejects.writer(options.rejects_file, options) or nil
  return attempts.run(options, function(session)
    return load_once(options, writer, session)
  end)
end

return M
