-- The tables that a project's own Lua files load, stage, clean or analyse, read from their text: what a run can know of
-- its later steps before the first one.
--
-- Certain, or nothing: a name that a script computes, or SQL of its own that creates tables, and there is no answer.

local lfs = require "lfs"
local paths = require "pghost.lib.paths"
local project = require "pghost.run.project"
local whole_file = require "pghost.lib.whole_file"

local M = {}

local steps <const> = { "load", "stage", "clean" }

-- The end of a quoted literal that begins at `at`.
local function end_of_quoted(text, at)
  local quote, i = text:sub(at, at), at + 1
  while i <= #text do
    local char = text:sub(i, i)
    if char == quote then
      return i
    end
    i = i + (char == "\\" and 2 or 1)
  end
  return #text
end

-- A literal or comment in long brackets at `at`: its contents and its end; nil: there is none.
local function long_bracket(text, at)
  local level, first = text:match("^%[(=*)%[()", at)
  if level then
    local last, after = text:find("]" .. level .. "]", first, true)
    return text:sub(first, (last or #text + 1) - 1), after or #text
  end
end

-- The code with `"n"` in the place of its nth literal, without comments; and the literals.
local function split(text)
  local code, literals, at = {}, {}, 1
  local function literal(value)
    literals[#literals + 1] = value
    code[#code + 1] = ('"%d"'):format(#literals)
  end
  while at <= #text do
    local next_at = text:find("[%-\"'%[]", at) or #text + 1
    code[#code + 1] = text:sub(at, next_at - 1)
    at = next_at
    local value, last = long_bracket(text, at)
    if value then
      literal(value)
      at = last + 1
    elseif text:find("^[\"']", at) then
      last = end_of_quoted(text, at)
      literal(text:sub(at + 1, last - 1))
      at = last + 1
    elseif text:find("^%-%-", at) then
      local _, long_end = long_bracket(text, at + 2)
      at = (long_end or (text:find("\n", at, true) or #text + 1) - 1) + 1
    else
      code[#code + 1] = text:sub(at, at)
      at = at + 1
    end
  end
  return table.concat(code), literals
end

-- The literals that are the first argument of each call of a method; nil where one call has something else, or the
-- method is taken without being called.
local function arguments_of(code, literals, method)
  local found = {}
  for mark, rest in code:gmatch("([.:])%s*" .. method .. "%f[^%w_]()") do
    local number = code:match('^%s*%(%s*"(%d+)"%s*[,)]', rest) or code:match('^%s*"(%d+)"', rest)
    local value = number and mark == ":" and literals[tonumber(number)]
    if not value or value:find("\\", 1, true) then
      return nil
    end
    found[#found + 1] = value
  end
  return found
end

local function creates_tables(literals)
  for _, one in ipairs(literals) do
    local text = one:lower()
    if text:find "%f[%w]create%f[%W]" or text:find "%f[%w]into%s+%S+%s+from%f[%W]" or text:find "%f[%w]rename%s" then
      return true
    end
  end
  return false
end

local function add_answers(names, folder)
  local path = project.path(folder)
  for _, file in ipairs(lfs.attributes(path, "mode") == "directory" and paths.list(path, "sql") or {}) do
    names[file:match "([^/]*)%.sql$"] = true
  end
end

-- Adds the tables of one file; false: they are not certain.
local function add_file(names, path)
  local text = whole_file.read(path)
  local code, literals = split(text or "")
  if not text or creates_tables(literals) or code:find "%f[%w_]create_table%f[^%w_]"
    or not arguments_of(code, literals, "query") then
    return false
  end
  for _, method in ipairs(steps) do
    local found = arguments_of(code, literals, method)
    for _, name in ipairs(found or {}) do
      names[name], names[name .. "_raw"] = true, true
    end
    if not found then
      return false
    end
  end
  local folders = arguments_of(code, literals, "analyse")
  for _, folder in ipairs(folders or {}) do
    add_answers(names, folder)
  end
  return folders ~= nil
end

-- The project's Lua files: those beside the script, and one folder below, but its specs.
local function lua_files(folder)
  local list = paths.list(folder, "lua")
  for name in lfs.dir(folder) do
    local below = folder .. "/" .. name
    if name:sub(1, 1) ~= "." and name ~= "spec" and lfs.attributes(below, "mode") == "directory" then
      for _, path in ipairs(paths.list(below, "lua")) do
        list[#list + 1] = path
      end
    end
  end
  return list
end

--- The tables that the project of a script makes; nil where that is not certain.
---@param script string path of the script that runs
---@return table<string, true>? names
function M.of(script)
  if lfs.attributes(script, "mode") ~= "file" then
    return nil
  end
  local names, seen = {}, false
  for _, path in ipairs(lua_files(script:match "^(.*)/[^/]*$" or ".")) do
    seen = seen or path:match "[^/]*$" == script:match "[^/]*$"
    if not add_file(names, path) then
      return nil
    end
  end
  return seen and names or nil
end

return M
