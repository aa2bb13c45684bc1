-- Runs commands while a system call fails, the n-th or each one: strace injects the error before the kernel sees it.

local lfs = require "lfs"
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

local function words_of(here, case, n, trace)
  local place = case.path and (case.path:find "^/" and case.path or here.folder .. "/" .. case.path)
  local when = case.on and n .. "+" or n
  return ("strace -f -qq --seccomp-bpf -o %s %s -e trace=%s -e inject=%s:error=%s:when=%s"):format(trace,
    place and "-P " .. place or "", case.call, case.call, case.error, when):gsub("%-%-seccomp%-bpf (.*)%-P", "%1-P")
end

-- Whether the fault has happened: a command may make fewer such calls.
local function happened(trace)
  local text = pghost.read(trace)
  os.remove(trace)
  return text:find("(INJECTED)", 1, true) ~= nil
end

local function judge(here, case, result)
  local code, err = result.code, result.err
  local problem = here:problem(result)
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

--- Lets the first, second ... call of a case fail, at most `most` of them. Returns how many there were, and what was
--- wrong.
---@param case spec.FailingCall
---@return integer count
---@return string[] problems
function M.try(here, case, most)
  here:begin(case.command)
  local problems = {}
  for n = 1, most do
    local trace = os.tmpname()
    local result = here:run({ LSAN_OPTIONS = "detect_leaks=0" }, words_of(here, case, n, trace))
    local met = happened(trace)
    local problem = judge(here, case, result)
    if not met then
      return n - 1, problems
    elseif problem then
      problems[#problems + 1] = ("%s: %s of %s, number %d%s: %s (exit code %d): %s"):format(case.command, case.error,
        case.call, n, case.on and " and each after it" or "", problem, result.code, result.err:sub(1, 400))
    end
  end
  return most, problems
end

M.new = under_faults.new
M.lfs = lfs

return M
