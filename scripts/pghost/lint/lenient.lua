-- pghost.rules and pghost.check as lint gives them to a project: a mistake is noted with its place, and the file
-- continues. Objects remember where they were made.

local broken = require "pghost.lint.broken"
local findings_of = require "pghost.lint.mistakes"
local lenient_table = require "pghost.lint.lenient_table"
local nearest = require "pghost.lib.nearest"
local sources = require "pghost.lint.lua_files"

local M = {}

---@class pghost.lint.Places where things were made
---@field of table<any, { file: string, line: integer }>

-- The file and line that called the current function; nil if lost, as with `return r.table(...)`.
local function caller()
  if debug.getinfo(2, "t").istailcall then
    return nil
  end
  local where = debug.getinfo(3, "Sl") or {}
  local file = (where.source or ""):match "^@(.*)"
  return file and where.currentline > 0 and { file = file, line = where.currentline } or nil
end

local function names_of(object)
  local names = {}
  for name, value in pairs(object) do
    if type(name) == "string" and type(value) == "function" and not name:find "^__" then
      names[#names + 1] = name
    end
  end
  return names
end

local function note(findings, place, problem)
  local _, _, message = findings_of.place_of(problem)
  findings:add(place.file, place.line, message)
end

-- Calls fn; an error is noted at `place`, and `instead` is returned instead of the result.
local function attempt(findings, places, place, instead, fn, ...)
  place = place or sources.current()
  for i = 1, select("#", ...) do
    if broken.is((select(i, ...))) then
      return broken.value
    end
  end
  local done, result = pcall(fn, ...)
  if not done then
    note(findings, place, result)
    return instead
  end
  if type(result) == "table" then
    places[result] = places[result] or place
  end
  return result
end

-- Fields of a column that may be missing.
local fields = { format = true, labels = true, domain = true, failure = true, name = true, from = true }

-- Methods of columns note what is wrong with them, until the function that is returned is called.
local function soften_columns(findings, places, column)
  local Column = getmetatable(column)
  local methods = names_of(Column)
  local function method(name)
    return function(self, ...)
      local here = caller()
      local place = places[self] or here
      local result = attempt(findings, places, here or place, self, Column[name], self, ...)
      if type(result) == "table" and not broken.is(result) then
        places[result] = place
      end
      return result
    end
  end
  Column.__index = function(_, key)
    if fields[key] or type(key) ~= "string" then
      return nil
    elseif rawget(Column, key) ~= nil then
      return type(Column[key]) == "function" and method(key) or Column[key]
    end
    note(findings, caller() or sources.current(),
      ("a column's rules have no '%s'%s"):format(key, nearest.hint(key, methods)))
    return function(self)
      return self
    end
  end
end

-- A module whose functions note what is wrong.
local function soften_module(findings, places, name, real, own)
  local names = names_of(real)
  return setmetatable({}, { __index = function(_, key)
    local value = rawget(real, key)
    if own[key] then
      return function(...)
        local place = caller()
        return own[key](place, ...)
      end
    elseif type(value) == "function" and key ~= "is" then
      return function(...)
        local place = caller()
        return attempt(findings, places, place, broken.value, value, ...)
      end
    elseif value ~= nil then
      return value
    end
    note(findings, caller() or sources.current(),
      ("%s has no '%s'%s"):format(name, tostring(key), nearest.hint(tostring(key), names)))
    return broken.value
  end })
end

--- From now on, `require` gives projects the lenient modules.
---@param findings pghost.lint.Findings
---@return table places where columns, rules of tables and checks were made, by what they are
---@return table incomplete rules that miss something, since it was wrong
function M.install(findings)
  local places, incomplete = setmetatable({}, { __mode = "k" }), setmetatable({}, { __mode = "k" })
  local rules, check = require "pghost.rules", require "pghost.check"
  soften_columns(findings, places, rules.text())
  package.loaded["pghost.rules"] = soften_module(findings, places, "pghost.rules", rules, {
    table = function(place, ...)
      return lenient_table({ findings = findings, places = places, incomplete = incomplete, place = place }, ...)
    end,
  })
  package.loaded["pghost.check"] = soften_module(findings, places, "pghost.check", check, {})
  return places, incomplete
end

return M
