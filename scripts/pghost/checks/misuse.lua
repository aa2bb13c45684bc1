-- Mistakes in writing checks: raised where the check is written, not where it is read.

local errors = require "pghost.lib.errors"
local nearest = require "pghost.lib.nearest"

local M = {}

-- The first line outside this folder and its public module.
local function place()
  local level = 3
  while true do
    local where = debug.getinfo(level, "Sl")
    if not where then
      return nil
    end
    local file = where.source:match "^@(.*)"
    if file and not file:find("pghost/checks?[/.]") and where.currentline > 0 then
      return { exit = 1, file = file, line = where.currentline }
    end
    level = level + 1
  end
end

--- Raises an error of usage at the line that wrote the check.
---@param text string
---@param ... any of the format
function M.raise(text, ...)
  errors.raise(text:format(...), "usage", place() or { exit = 1 })
end

--- Raises unless `name` is one of `names`: "unknown operator '=>': did you mean '>='?"
---@param name any
---@param names string[]
---@param what string "check 'x': unknown operator"
function M.unless_one_of(name, names, what)
  for _, known in ipairs(names) do
    if known == name then
      return
    end
  end
  local hint = nearest.hint(tostring(name), names)
  M.raise("%s '%s'%s", what, tostring(name), hint ~= "" and hint or (" (has: %s)"):format(table.concat(names, ", ")))
end

return M
