-- Processes of pghost that specs start, watch and kill.

local lfs = require "lfs"
local pghost = require "support.pghost"
local sys = require "pghost.native.sys"

local M = {}

---@class spec.Process
---@field pid integer
---@field folder string holds `out` and `err`, and the temporary files of the process
local Process = {}
Process.__index = Process

-- The state letter of a process in /proc: "Z" has ended, nil is gone.
local function state_of(pid)
  local file <close> = io.open(("/proc/%d/stat"):format(pid), "r")
  return file and file:read("a"):match("^.*%) (%a)")
end

--- Starts pghost with the words given.
---@param words string[]
---@param env? table<string, string>
---@param options? { cd?: string, stdin?: string, prefix?: string } folder to run in, text to read, words before pghost
---@return spec.Process to be kept in a `<close>` variable, or waited for
function M.start(words, env, options)
  options = options or {}
  local folder = pghost.folder()
  local input = options.stdin and pghost.write(folder .. "/in", options.stdin) or "/dev/null"
  local parts = { "echo $$; cd", pghost.quote(options.cd or "."), "&& exec env", "TMPDIR=" .. folder }
  for name, value in pairs(env or {}) do
    parts[#parts + 1] = name .. "=" .. pghost.quote(value)
  end
  parts[#parts + 1] = options.prefix
  parts[#parts + 1] = pghost.quote(pghost.path)
  for _, word in ipairs(words) do
    parts[#parts + 1] = pghost.quote(word)
  end
  local pipe = assert(io.popen(("%s <%s >%s/out 2>%s/err"):format(table.concat(parts, " "), input, folder, folder)))
  return setmetatable({ pid = pipe:read("n"), pipe = pipe, folder = folder, started = sys.clock() }, Process)
end

function Process:running()
  local state = state_of(self.pid)
  return state ~= nil and state ~= "Z"
end

-- Files right in /tmp that a process has open: what it would leave behind there.
local function open_in_tmp(pid)
  local paths = {}
  pcall(function()
    for name in lfs.dir(("/proc/%d/fd"):format(pid)) do
      local target = lfs.symlinkattributes(("/proc/%d/fd/%s"):format(pid, name), "target")
      if target and target:find "^/tmp/[^/]+$" then
        paths[#paths + 1] = target
      end
    end
  end)
  return paths
end

local function still_there(paths)
  local list = {}
  for _, path in ipairs(paths or {}) do
    list[#list + 1] = lfs.attributes(path, "mode") == "file" and path or nil
  end
  return table.concat(list, " ")
end

--- Sends a signal, by name or number, if it still runs.
function Process:signal(signal)
  if self.pipe then
    self.opened = open_in_tmp(self.pid)
    os.execute(("kill -%s %d 2>/dev/null"):format(signal, self.pid))
  end
end

--- Waits for its end.
---@param seconds? number 60 unless given; then it is killed and the spec fails
---@return integer code exit code, 128 + signal when it was killed
---@return string err what it wrote to stderr
function Process:wait(seconds)
  local deadline = sys.clock() + (seconds or 60)
  while self:running() do
    if sys.clock() > deadline then
      self:signal(9)
      self:wait(5)
      error(("pghost went on for %g s: %s"):format(seconds or 60, self.err), 2)
    end
    sys.sleep(0.002)
  end
  if self.pipe then
    local _, how, code = self.pipe:close()
    self.pipe = nil
    self.code = how == "signal" and 128 + code or code
    self.seconds = sys.clock() - self.started
    self.err = pghost.read(self.folder .. "/err")
    self.left = pghost.shell(("cd %s && ls -A | grep -vx -e in -e out -e err"):format(self.folder))
      .. still_there(self.opened)
    pghost.remove(self.folder)
  end
  return self.code, self.err
end

function Process:__close()
  self:signal(9)
  self:signal("CONT")
  self:wait(5)
end

--- The message that it ended with: the lines that begin with "pghost: ".
function M.message(err)
  local lines = {}
  for line in err:gmatch("[^\n]+") do
    lines[#lines + 1] = line:match("^pghost: (.*)$")
  end
  return table.concat(lines, "\n")
end

return M
