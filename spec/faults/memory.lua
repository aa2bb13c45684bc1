-- Runs commands while an allocation fails: the n-th, once or from then on, of all threads or of one.

local outcomes = require "faults.outcomes"
local pghost = require "support.pghost"
local under_faults = require "faults.under_faults"

local M = {}

local counters <const> = 64 -- as in spec/c/fault_memory.c
local library <const> = pghost.path:match "^(.*)/" .. "/fault_memory.so"

-- Libraries that end the process themselves: 127. How glibc's loader says it, which loads libraries before anything
-- is done; pghost cannot change its words.
local of_loader <const> = { "cannot create", "cannot allocate", "could not load", "module '[^']+' not found",
  "cannot open shared" }

local function environment(place, counts)
  return { LD_PRELOAD = library, PGHOST_FAIL_ALLOCATION = place, PGHOST_FAIL_COUNTS = counts }
end

--- How many allocations a command makes: all, and those of each thread, main first.
---@return integer[]
function M.count(here)
  local path = pghost.write(os.tmpname(), ("\0"):rep(8 * counters))
  here:must_run(environment("0", path))
  local counts = { string.unpack(("<" .. ("i8"):rep(counters)), pghost.read(path)) }
  os.remove(path)
  return counts
end

local function is_of_loader(err)
  for _, pattern in ipairs(of_loader) do
    if err:find(pattern) then
      return true
    end
  end
  return false
end

--- What is wrong with how a command ended; nil: nothing.
---@return string? problem
---@return string kind "succeeded", "out of memory" or "loader"
local function judge(here, result)
  local code, err = result.code, result.err
  local loader = code == 127 and err:find "[Oo]ut of memory" or code == 1 and is_of_loader(err)
  if loader then
    return here:problem(result, code == 127), "loader"
  elseif code == 0 then
    return here:problem(result), "succeeded"
  end
  local problem = here:problem(result)
  if code < 1 or code > 4 then
    return ("exit code %d"):format(code), "ended"
  elseif not problem and not err:find "[Oo]ut of memory" then -- libarchive ends the process with a capital
    return "it does not say so", "silent"
  end
  return problem, "out of memory"
end

-- Places in order: half of them anywhere, half in the last part, after the start that all commands have in common.
local function sample(total, wanted)
  if wanted >= total then
    local all = {}
    for i = 1, total do
      all[i] = i
    end
    return all
  end
  local list, late = {}, total - total // 4
  for i = 1, wanted do
    list[i] = i % 2 == 0 and math.random(total) or math.random(late, total)
  end
  table.sort(list)
  return list
end

--- Fails one place, to look into: returns what the command wrote to stderr and its exit code.
---@param place string as spec/c/fault_memory.c reads it
function M.one(here, name, place)
  here:begin(name)
  local env = environment(place)
  env.PGHOST_TRACEBACK = "1"
  local result = here:run(env, os.getenv "PGHOST_FAULTS_PREFIX")
  return result.err, result.code
end

--- Fails `wanted` places of a command each way; returns how they ended and what was wrong.
---@param wanted integer places a way
---@return table<string, integer> seen
---@return string[] problems
function M.try(here, name, wanted)
  here:begin(name)
  local counts = M.count(here)
  local ways = { { total = counts[1], form = "%d" }, { total = counts[1], form = "%d+" } }
  for thread = 1, 2 do -- the first workers
    if counts[thread + 2] > 0 then
      ways[#ways + 1] = { total = counts[thread + 2], form = "%d@" .. thread }
      ways[#ways + 1] = { total = counts[thread + 2], form = "%d+@" .. thread }
    end
  end
  local seen, problems = { places = 0, total = counts[1] }, {}
  for _, way in ipairs(ways) do
    for _, n in ipairs(sample(way.total, way.form:find "@" and wanted // 4 or wanted)) do
      local place = way.form:format(n)
      local result = here:run(environment(place))
      local problem, kind = judge(here, result)
      seen[kind], seen.places = (seen[kind] or 0) + 1, seen.places + 1
      if problem then
        problems[#problems + 1] = ("%s at %s: %s (exit code %d): %s"):format(name, place, problem, result.code,
          result.err:sub(1, 400))
      end
    end
  end
  outcomes.add("memory", ("%s: %d of %d allocations fail"):format(name, seen.places, seen.total),
    ("%d times \"out of memory\", %d times it was not needed, %d times in the loader"):format(
      seen["out of memory"] or 0, seen.succeeded or 0, seen.loader or 0))
  return seen, problems
end

M.new = under_faults.new
M.names = under_faults.names

return M
