-- Joining a run that is in progress, with --join: finds it, sees whether script and settings are its own, and takes it
-- over where its holder has died.

local cjson = require "cjson"
local errors = require "pghost.lib.errors"
local history = require "pghost.run.history"
local lists = require "pghost.lib.lists"
local logs = require "pghost.lib.log"
local lock = require "pghost.run.lock"
local metadata = require "pghost.run.schema"
local retry = require "pghost.run.retry"
local resume = require "pghost.run.resume"
local Run = require "pghost.run"
local sys = require "pghost.native.sys"
local waiting = require "pghost.run.waiting"

local M = {}

local of_host <const> = lists.set(resume.of_host)

local run_query <const> = [[
  SELECT run_id, version, config::text AS config, build_schema AS build,
    pg_catalog.to_char(started_at, 'YYYY-MM-DD HH24:MI:SS.USOF') AS started,
    pg_catalog.to_char(as_of, 'YYYY-MM-DD HH24:MI:SS.US') AS as_of
  FROM pghost.runs WHERE pipeline = $1 AND target_schema = $2 AND state = 'running' ORDER BY run_id DESC LIMIT 1]]

local function is_present(conn)
  if not conn:query("SELECT pg_catalog.to_regclass('pghost.shared_loads') IS NOT NULL AS found")[1].found then
    return false
  end
  metadata.check_trust(conn)
  return true
end

-- The run to join; waits for one as long as the setting `wait` says.
local function find(run)
  local deadline = sys.clock() + assert(waiting.seconds(run.settings.wait))
  while true do
    local found = is_present(run.conn) and run.conn:query(run_query, run.name, run.target)[1]
    if found then
      return found
    elseif sys.clock() >= deadline then
      errors.raise(("no run of pipeline '%s' into schema '%s' is in progress: start one with --share, or give --wait")
        :format(run.name, run.target), "no_run", { exit = 1 })
    end
    sys.sleep(0.3)
  end
end

local function shown(value)
  return value == nil and "not set" or ("'%s'"):format(tostring(value))
end

-- What differs would give other records.
local function check_same(run, found)
  local version, theirs = history.version(), cjson.decode(found.config)
  if version ~= found.version then
    errors.raise(("run %d is of pghost %s, and this is %s: a helper must have the same version"):format(found.run_id,
      found.version or "?", version or "?"), "usage", { exit = 1 })
  elseif theirs.share ~= true then
    errors.raise(("run %d of '%s' was not started with --share: it cannot be joined"):format(found.run_id, run.name),
      "usage", { exit = 1 })
  end
  local ours = cjson.decode(history.config_json(run.settings, run.conn))
  for _, name in ipairs(lists.sorted_keys(lists.merged(ours, theirs))) do
    if not of_host[name] and name ~= "share" and name ~= "resume" and ours[name] ~= theirs[name] then
      errors.raise(("setting '%s' is %s here, and %s in run %d: give a helper the settings of the run"):format(name,
        shown(ours[name]), shown(theirs[name]), found.run_id), "usage", { exit = 1 })
    end
  end
end

local wants_over = false

--- The next pipeline of this process that joins takes its run over, if nobody else has.
function M.take_over_next()
  wants_over = true
end

--- Whether this process was a helper whose run has lost its holder, and is to be the next one. Several may want to be.
---@param name string
---@param settings table
---@param options pghost.StartOptions
---@return boolean
function M.takes_over(name, settings, options)
  local _, run_id = retry.attempt()
  if not run_id and not wants_over then
    return false
  end
  wants_over = false
  local held = lock.open(options.dsn)
  local got = held:try(name, settings.schema)
  held:release()
  return got
end

--- Joins the run of a pipeline that is in progress.
---@param name string
---@param settings table
---@param options pghost.StartOptions
---@return pghost.Helper
function M.start(name, settings, options)
  local run = Run.new(name, settings, { dsn = options.dsn, log = logs.new(options.log), out = io.stdout,
    hooks = false })
  run.conn = retry.connect(run)
  local _ <close> = setmetatable({}, { __close = function(_, problem)
    if problem ~= nil then
      run.conn:close()
    end
  end })
  local found = find(run)
  check_same(run, found)
  run:identify { id = found.run_id, started = found.started, as_of = found.as_of, build = found.build }
  run.log:info("start", name, ("helps run %d into schema '%s'"):format(run.id, run.target), { run = run.id })
  return require("pghost.share.helping").new(run)
end

return M
