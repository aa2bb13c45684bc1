-- The mistakes of a project: messages with file and line, each once, sorted by file and line.

local errors = require "pghost.lib.errors"
local lfs = require "lfs"

local M = {}

---@class pghost.lint.Finding
---@field file string relative to the current folder where it is below it
---@field line? integer
---@field message string
---@field severity "error"|"warn"

---@class pghost.lint.Findings
---@field list pghost.lint.Finding[]
local Findings = {}
Findings.__index = Findings

---@return pghost.lint.Findings
function M.new()
  return setmetatable({ list = {}, seen = {} }, Findings)
end

local function shown_path(path)
  local here = lfs.currentdir() .. "/"
  path = path:gsub("^%./", "")
  return path:sub(1, #here) == here and path:sub(#here + 1) or path
end

--- Adds one.
---@param file string
---@param line? integer
---@param message string
---@param severity? "error"|"warn" default: error
function Findings:add(file, line, message, severity)
  local here = (lfs.currentdir() .. "/"):gsub("%W", "%%%0")
  message = message:gsub(here, "")
  local finding = { file = shown_path(file), line = line, message = message:match "^[^\n]*",
    severity = severity or "error" }
  local key = ("%s:%s: %s"):format(finding.file, finding.line or "", finding.message)
  if not self.seen[key] then
    self.seen[key] = true
    table.insert(self.list, finding)
  end
end

--- The place and the text of an error: "rules/x.lua:3: not a type" and error objects know where they are.
---@param problem any
---@return string? file
---@return integer? line
---@return string message
function M.place_of(problem)
  if errors.is(problem) and problem.file then
    local message = problem.column and problem.column .. ": " .. problem.message or problem.message
    return problem.file, problem.line, message
  end
  local file, line, message = tostring(problem):match "^([^\n]-):(%d+): ([^\n]*)"
  if file and file:find "%.lua$" then
    return file, math.tointeger(tonumber(line)), message
  end
  return nil, nil, tostring(problem)
end

--- Adds an error; where it does not know its place, it gets this one.
---@param problem any
---@param file string
---@param line? integer
function Findings:add_problem(problem, file, line)
  local own_file, own_line, message = M.place_of(problem)
  if own_file and own_file:find "%.lua$" and not own_file:find("/scripts/pghost/", 1, true) then
    self:add(own_file, own_line, message)
  elseif own_file and own_file:find "%.lua$" then
    self:add(file, line, message) -- of the library's own line
  elseif own_file then
    self:add(own_file, own_line, message)
  else
    self:add(file, line, message)
  end
end

---@return pghost.lint.Finding[]
function Findings:sorted()
  table.sort(self.list, function(a, b)
    if a.file ~= b.file then
      return a.file < b.file
    elseif (a.line or 0) ~= (b.line or 0) then
      return (a.line or 0) < (b.line or 0)
    end
    return a.message < b.message
  end)
  return self.list
end

---@return integer
function Findings:count(severity)
  local count = 0
  for _, finding in ipairs(self.list) do
    count = count + (finding.severity == severity and 1 or 0)
  end
  return count
end

return M
