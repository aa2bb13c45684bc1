-- Runs commands while a system call fails, the n-th or each one: strace injects the error before the kernel sees it.

local pghost = require "support.pghost"
local under_faults = require "faults.under_faults"

local M = {}

---@class spec.FailingCall
---@field command string of under_faults
---@field call string names as strace knows them: "read,pread64"
---@field error string "EIO"
---@field path? string the calls on this file alone: in the folder of the command, or from "/" on
---@field on? boolean from the n-th call on
---@field invisible? boolean it must succeed
---@field fails? boolean it must fail
---@field says? string what it then says

-- strace with a command; `inject` is what it does to the calls.
local function words_of(here, case, trace, inject)
  local places = case.path and ("-P %s -P %s/%s"):format(case.path, here.folder, case.path) or "--seccomp-bpf"
  return ("strace -f -qq -o %s %s -e trace=%s %s"):format(trace, places, case.call, inject)
end

local function run(here, case, inject)
  local trace = os.tmpname()
  local result = here:run({ LSAN_OPTIONS = "detect_leaks=0" }, words_of(here, case, trace, inject))
  local text = pghost.read(trace)
  os.remove(trace)
  return result, text
end

-- How many such calls a process or thread of the command makes at most, by name: strace counts them apart.
local function count(here, case)
  local result, text = run(here, case, "")
  assert(result.code == 0, result.err)
  assert(not here:problem(result))
  local most, counts = {}, {}
  for id, call in text:gmatch "(%d+) +(%l[%w_]*)%(" do
    counts[id .. call] = (counts[id .. call] or 0) + 1
    most[call] = math.max(most[call] or 0, counts[id .. call])
  end
  return most
end

local function judge(here, case, result)
  local code, err = result.code, result.err
  err = err:gsub("strace: Requested path [^\n]*\n", "")
  local kept = err:find "it is in '" -- an output file that could not take its place
  local problem = here:problem(result, kept)
  if code < 0 or code > 4 then
    return ("exit code %d"):format(code)
  elseif code ~= 0 and case.invisible then
    return "it is not invisible"
  elseif code == 0 and case.fails then
    return "it succeeded"
  elseif code ~= 0 and not err:find "pghost: .+" then
    return "it fails without a word"
  elseif code ~= 0 and case.says and not err:find(case.says) then
    return "it does not say why"
  end
  return problem
end

--- Lets calls of a case fail, one in each run, at most `most` of them: the last ones, or all there are.
---@param case spec.FailingCall
---@param most integer
---@return integer tried
---@return string[] problems
function M.try(here, case, most)
  if here.command ~= under_faults.commands[case.command] then
    here:begin(case.command)
  end
  local problems, tried = {}, 0
  for call, total in pairs(count(here, case)) do
    for n = math.max(1, total - most + 1), total do
      local result, trace = run(here, case, ("-e inject=%s:error=%s:when=%d%s"):format(call, case.error, n,
        case.on and "+" or ""))
      local met = trace:find("(INJECTED)", 1, true)
      local problem = judge(here, case, result)
      tried = tried + (met and 1 or 0)
      if met and problem then
        problems[#problems + 1] = ("%s: %s of %s, number %d%s: %s (exit code %d): %s"):format(case.command, case.error,
          call, n, case.on and " and each after it" or "", problem, result.code, result.err:sub(1, 400))
      end
    end
  end
  return tried, problems
end

M.new = under_faults.new

return M
