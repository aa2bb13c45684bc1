-- The pipeline: from files to published tables, all or nothing.
--
--   local run <close> = pipeline.start("bookings", config)
--   run:expect(require "checks")
--   run:load("users", "users.csv", require "rules.users")
--   run:check()
--   run:analyse("sql/analytics")
--   run:publish()
--
-- This file starts a run: command line, connection, history, lock, schemas. What a run can do is in
-- run.lua.

local again = require "pghost.run.retry"
local build_schema = require "pghost.run.build_schema"
local command = require "pghost.run.command_line"
local history = require "pghost.run.history"
local known_keys = require "pghost.lib.known_keys"
local lock = require "pghost.run.lock"
local log = require "pghost.lib.log"
local metadata = require "pghost.run.schema"
local project = require "pghost.run.project"
local replay = require "pghost.rejects.replay.loads"
local resume = require "pghost.run.resume"
local Run = require "pghost.run"
local sys = require "pghost.native.sys"
local waiting = require "pghost.run.waiting"

local M = {}

---@class pghost.StartOptions
---@field arguments? string[] in the place of the script's command line
---@field dsn? string in the place of the usual order
---@field log? table options of pghost.log
---@field hooks? boolean false: on_success and its like are not called
---@field out? file* where answers are printed; standard output unless given
local start_options = { arguments = true, dsn = true, log = true, hooks = true, out = true }

-- One run of a pipeline and target at a time.
local function take_lock(run)
  local conn, name, target = run.conn, run.name, run.target
  run.lock = lock.open(run.dsn)
  waiting.take(run, {
    try = function()
      return run.lock:try(name, target)
    end,
    holder = function()
      return history.holder(conn, name, target)
    end,
    refusal = function(holder)
      return ("pipeline '%s' into schema '%s' is already running: %s holds the lock; try again when it is done")
        :format(name, target, holder)
    end,
  })
end

-- Takes the lock, clears up after dead runs and records the new one.
local function open_history(run, as_of)
  local conn = run.conn
  metadata.require_writable(conn)
  metadata.migrate(conn)
  take_lock(run)
  local resumed = resume.take_over(run)
  for _, dead in ipairs(history.clear_killed(conn, run.name, run.target, build_schema.remove, run.id)) do
    run.log:warn("start", run.name, ("run %d was killed: what it had built is removed"):format(dead.run_id))
  end
  if resumed then
    return
  end
  local attempt, retry_of = again.attempt()
  local row = history.record(conn, {
    pipeline = run.name,
    target = run.target,
    config = run.settings,
    as_of = as_of,
    version = history.version(),
    process_id = sys.pid(),
    attempt = attempt,
    retry_of = retry_of,
  })
  run:identify(row)
end

--- Starts a run. Reads the script's command line (every simple setting of the config is an option),
--- connects, takes the lock of this pipeline and target schema, and makes the build schema.
--- Example: local run <close> = pipeline.start("bookings", require "config")
--- Errors: an unknown setting or option ends the script with exit code 2, a database that cannot be reached with 3;
--- code "locked" where a run of the same name and target is in progress.
---@param name string of the pipeline: runs of the same name and target exclude each other
---@param config table settings; the list of them is run/settings.lua
---@param options? pghost.StartOptions
---@return pghost.Run run to be kept in a `<close>` variable
function M.start(name, config, options)
  known_keys.check(options, start_options, "pipeline.start")
  options = options or {}
  local settings, given = command.settings(arg and arg[0] or name, config, options.arguments or arg or {})
  if not given.data then
    settings.data = project.path(settings.data)
  end
  for _, file in ipairs { "report", "metrics", "openlineage" } do
    if not given[file] and settings[file] ~= "" and settings[file]:sub(1, 1) ~= "|" then
      settings[file] = project.path(settings[file])
    end
  end
  local replaying = replay.take(name, settings, given)
  settings.resume = settings.resume or settings.share and not replaying
  if settings.join then
    local joining = require "pghost.share.joining" -- most runs help nobody
    if not joining.takes_over(name, settings, options) then
      return joining.start(name, settings, options)
    end
    settings.join, settings.share, settings.resume = false, true, true
  end
  local run = Run.new(name, settings, { dsn = options.dsn, log = log.new(options.log), replay = replaying,
    out = options.out or again.output(settings), hooks = options.hooks })
  local _ <close> = setmetatable({}, { __close = function(_, problem)
    if problem ~= nil then
      run:close(problem)
    end
  end })
  run.conn = again.connect(run)
  open_history(run, settings.as_of ~= "" and settings.as_of or nil)
  history.remember_call(run.conn, run.id, given, replaying and replaying.of.run_id)
  build_schema.make(run)
  if settings.openlineage ~= "" then
    require("pghost.report.openlineage_sink").started(run)
  end
  run.log:info("start", name, ("run %d into schema '%s' of %s, as of %s"):format(run.id, run.target,
    run.conn.description or "the database", run.as_of), { run = run.id, schema = run.target, as_of = run.as_of })
  return run
end

return known_keys.strict(M, "pghost.pipeline")
