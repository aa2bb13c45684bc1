-- Runs a list of checks: those over one table share a scan where possible. All of them run, whatever fails.

local lookup = require "pghost.checks.lookup"
local definition = require "pghost.checks.definition"
local errors = require "pghost.lib.errors"
local kinds = require "pghost.checks.kinds"
local verdict = require "pghost.checks.verdict"
local own_scan = require "pghost.checks.own_scan"
local scans = require "pghost.checks.scan"
local sys = require "pghost.native.sys"

local M = {}

local most_in_a_scan <const> = 300 -- checks; a SELECT can return 1,664 columns

---@class pghost.checks.Job
---@field check pghost.Check
---@field kind pghost.checks.Kind
---@field c pghost.checks.Context
---@field found table what was found
---@field seconds number
---@field problem? any why it could not be run

local function new_jobs(run, list)
  local catalog, jobs, checks = lookup.new(run), {}, {}
  for i, given in ipairs(list) do
    checks[i] = definition.of(given)
  end
  for i, check in ipairs(checks) do
    catalog:require(check)
    jobs[i] = { check = check, kind = kinds.by_name[check.kind], c = catalog:context(check), found = {}, seconds = 0 }
  end
  return jobs
end

-- The checks that a scan of their table can answer, by table, in pieces.
local function groups_of(jobs)
  local groups, by_table = {}, {}
  for _, job in ipairs(jobs) do
    local name = job.check.table
    if name and not job.kind.cheap and not job.kind.amount and not job.kind.of_empty_tables or job.kind.measure then
      local relation = job.c.relation(name)
      local group = by_table[relation]
      if not group or #group >= most_in_a_scan then
        group = { relation = relation, name = name }
        groups[#groups + 1], by_table[relation] = group, group
      end
      group[#group + 1] = job
    end
  end
  return groups
end

-- All answers of one scan, and samples of the violations.
local function scan_group(run, group)
  local started = sys.clock()
  local scan, places = scans.new(group.relation), {}
  for i, job in ipairs(group) do
    places[i] = scan:add_check(job.kind, job.c, job.check)
  end
  run:transaction(function(conn)
    local name = #group == 1 and ("check '%s'"):format(group[1].check.name)
      or ("checks of table '%s'"):format(group.name)
    local row = scan:run(conn, run, name)
    for i, job in ipairs(group) do
      job.found = {}
      for what, place in pairs(places[i]) do
        job.found[what] = row[place]
      end
    end
  end)
  for _, job in ipairs(group) do
    job.seconds = job.seconds + (sys.clock() - started) / #group
  end
end

-- Calls fn; an error of the job is kept, one that ends the run is raised.
local function attempt(job, fn)
  local done, problem = pcall(fn)
  if not done and errors.is(problem) and (problem.exit == 3 or problem.code == "interrupted") then
    error(problem, 0)
  end
  job.problem = job.problem or (not done and problem or nil)
  return done
end

-- A failed scan does not show which check is at fault: then each gets its own scan.
local function scan_groups(run, groups)
  for _, group in ipairs(groups) do
    if not attempt({}, function() scan_group(run, group) end) then
      for _, job in ipairs(group) do
        attempt(job, function()
          own_scan.try_condition(job.c, job.check)
          scan_group(run, { relation = group.relation, name = group.name, job })
        end)
      end
    end
  end
end

local function sample_of_measure(job)
  local value = job.found.value
  value = not value and "null" or tonumber(value) and value or ('"%s"'):format(value:gsub('[\\"]', "\\%0"))
  return { ('{"%s": %s}'):format(job.kind.measured_as or "value", value) }
end

-- What the scan does not answer.
local function complete(run, job)
  local kind, found = job.kind, job.found
  local started = sys.clock()
  if not kind.violates and not kind.measure then
    run:transaction(function()
      for what, value in pairs(own_scan.run(kind, job.c, job.check)) do
        found[what] = value
      end
    end)
  elseif kind.violates and found.violations > 0 then
    run:transaction(function()
      found.samples = own_scan.samples(kind, job.c, job.check)
    end)
  end
  found.state = verdict.judge(kind, job.check, found)
  if kind.measure then
    found.violations = found.state == "passed" and 0 or 1
    found.samples = found.violations > 0 and sample_of_measure(job) or {}
  end
  job.seconds = job.seconds + sys.clock() - started
end

local function keep(run, job)
  local kind, check, found = job.kind, job.check, job.found
  local query = found.violations > 0 and own_scan.query(kind, job.c, check) or nil
  local id = verdict.keep(run, check, { state = found.state, violations = found.violations,
    samples = found.samples or {}, seconds = job.seconds, total = found.total, value = found.value,
    vacuous = found.state == "passed" and verdict.vacuous(kind, check, found, job.c) or nil,
    query = own_scan.readable(run, query) })
  if id and check.store and query then
    own_scan.store(run, id, query)
  end
end

--- Runs and records checks. What a check names is looked up before the first one runs; one that the server cannot run
--- does not keep the others from it, and is raised after them.
---@param run pghost.Run
---@param list (pghost.Check|table)[]
function M.run(run, list)
  local jobs = new_jobs(run, list)
  scan_groups(run, groups_of(jobs))
  local first
  for _, job in ipairs(jobs) do
    local _ = job.problem or attempt(job, function()
      complete(run, job)
    end)
    if not job.problem then
      keep(run, job)
    end
    first = first or job.problem
  end
  if first then
    error(first, 0)
  end
end

return M
