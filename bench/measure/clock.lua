-- Times commands: wall clock, CPU time of the client and its peak memory, by GNU time.

local M = {}

local TIME <const> = "/usr/bin/time"

---@param command string
---@return string output of a command that must succeed, without its last line end
function M.shell(command)
  local pipe = assert(io.popen(command, "r"))
  local out = pipe:read("a")
  if not pipe:close() then
    error("command failed: " .. command, 0)
  end
  return (out:gsub("%s+$", ""))
end

function M.require_programs()
  local file = io.open(TIME, "r")
  if not file then
    error("no GNU time at '/usr/bin/time': install the package 'time'", 0)
  end
  file:close()
end

---@class bench.Sample
---@field wall number seconds
---@field cpu number seconds, user and system, of the command and what it waited for
---@field rss number MiB, peak

--- Runs a command (words for the shell, no pipes).
---@param command string
---@return bench.Sample|nil sample nil when the command failed
---@return string? output of a failed command
function M.time(command)
  local report, log = os.tmpname(), os.tmpname()
  local ok = os.execute(("%s -o %s -f '%%e %%U %%S %%M' %s >%s 2>&1"):format(TIME, report, command, log))
  local numbers, output = {}, nil
  for number in M.shell("tail -n 1 " .. report):gmatch("%S+") do
    numbers[#numbers + 1] = tonumber(number)
  end
  if not ok then
    output = M.shell("tail -n 5 " .. log)
  end
  os.remove(report)
  os.remove(log)
  if not ok then
    return nil, output
  end
  return { wall = numbers[1], cpu = numbers[2] + numbers[3], rss = numbers[4] / 1024 }
end

---@param values number[]
---@return number
function M.median(values)
  local sorted = table.move(values, 1, #values, 1, {})
  table.sort(sorted)
  local middle = #sorted // 2
  return #sorted % 2 == 1 and sorted[middle + 1] or (sorted[middle] + sorted[middle + 1]) / 2
end

--- Milliseconds that `count` starts of a command took, each by itself.
---@return number[]
function M.starts(command, count)
  local script = ([[for i in $(seq %d); do a=$EPOCHREALTIME; %s; b=$EPOCHREALTIME
    echo $(( ${b/./} - ${a/./} )); done]]):format(count, command)
  local values = {}
  for number in M.shell(("LC_ALL=C bash -c '%s'"):format(script)):gmatch("%d+") do
    values[#values + 1] = tonumber(number) / 1000
  end
  return values
end

return M
