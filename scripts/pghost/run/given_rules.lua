-- Checks that what a script passes to a load as rules are rules; if not, says where in the script, and what is wrong.

local errors = require "pghost.lib.errors"
local lists = require "pghost.lib.lists"
local rules = require "pghost.rules"

local M = {}

-- Files that were required and returned nothing: `require` gives true for those.
local function returned_nothing()
  local found = {}
  for _, name in ipairs(lists.sorted_keys(package.loaded)) do
    local path = package.loaded[name] == true and package.searchpath(name, package.path)
    found[#found + 1] = path and ("'%s'"):format(path) or nil
  end
  return found
end

local function advice(kind, value)
  if value == nil and kind == "load" then
    return "give r.table(...), or load the raw table alone with run:stage"
  end
  local files = value == true and returned_nothing() or {}
  if #files > 0 then
    return ("%s returns nothing: it must end in `return r.table(...)`"):format(table.concat(files, " or "))
  end
  return "give what r.table(...) of pghost.rules returns"
end

--- Raises, with the line of the script, where the value is not made by r.table.
---@param kind "load"|"stage"|"clean" the method of the run
---@param name string of the table
---@param value any
function M.check(kind, name, value)
  if rules.is(value) then
    return
  end
  local caller = debug.getinfo(3, "Sl")
  local got = type(value) == "boolean" and tostring(value) or type(value)
  errors.raise(("run:%s '%s': rules expected, got %s: %s"):format(kind, name, got, advice(kind, value)), "usage",
    { exit = 1, file = caller.short_src, line = caller.currentline > 0 and caller.currentline or nil })
end

return M
