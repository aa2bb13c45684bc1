-- The Lua files of a project: their syntax, and each module loaded by itself, so that a wrong one does not hide others.

local broken = require "pghost.lint.broken"
local lfs = require "lfs"
local paths = require "pghost.lib.paths"

local M = {}

local loading = {} -- files of modules that are being loaded, the last one last

--- The file that is being loaded, where a call's own line is not known.
---@return { file: string, line?: integer }
function M.current()
  return { file = loading[#loading] or "?" }
end

--- The line of a file that gives a name a value, as `key = ...`; nil: none does.
---@param path string
---@param name string
---@return integer?
function M.line_of(path, name)
  local file <close> = io.open(path, "r")
  local number, quoted = 0, name:gsub("%W", "%%%0")
  for text in file and file:lines() or function() end do
    number = number + 1
    if not text:find "^%s*%-%-" and (text:find(("%%f[%%w_]%s%%s*="):format(quoted))
      or text:find(('%%["%s"%%]%%s*='):format(quoted))) then
      return number
    end
  end
end

--- The first line of a file with a text in it; nil: none.
---@param path string
---@param text string
---@return integer?
function M.line_with(path, text)
  local file <close> = io.open(path, "r")
  local number = 0
  for line in file and file:lines() or function() end do
    number = number + 1
    if line:find(text, 1, true) then
      return number
    end
  end
end

-- The Lua files of a folder; none if it does not exist.
local function files_of(folder)
  return lfs.attributes(folder, "mode") == "directory" and paths.list(folder, "lua") or {}
end

--- Notes every syntax error in the project's own Lua files.
---@param findings pghost.lint.Findings
---@param folder string
function M.check_syntax(findings, folder)
  for _, place in ipairs { folder, folder .. "/rules", folder .. "/spec" } do
    for _, path in ipairs(files_of(place)) do
      local chunk, message = loadfile(path)
      if not chunk then
        findings:add_problem(message, path)
      end
    end
  end
end

local function caller()
  local where = debug.getinfo(3, "Sl") or {}
  return (where.source or ""):match "^@(.*)" or where.short_src or "?", where.currentline
end

local function note(findings, name, problem, file, line)
  if tostring(problem):find "^module '.-' not found" then
    findings:add(file, line, ("module '%s' not found"):format(name))
  else
    findings:add_problem(tostring(problem):gsub("^error loading module '.-' from file '.-':%s*", ""), file, line)
  end
end

--- From now on, a module of the project that does not load is noted and comes as a broken value.
---@param findings pghost.lint.Findings
function M.soften_require(findings)
  local real, failed = require, {}
  _G.require = function(name)
    if failed[name] then
      return broken.value
    end
    local file, line = caller()
    local own = type(name) == "string" and not name:find "^pghost%." and package.searchpath(name, package.path)
    loading[#loading + 1] = own or file
    local done, result, path = pcall(real, name)
    loading[#loading] = nil
    if done then
      return result, path
    elseif type(name) ~= "string" or name:find "^pghost%." and not tostring(result):find("not found", 1, true) then
      error(result, 0)
    end
    failed[name] = true
    note(findings, name, result, file, line)
    return broken.value
  end
end

--- Loads the rules that the script has not.
---@param findings pghost.lint.Findings
---@param folder string
---@param is_rules fun(value: any): boolean
function M.load_rules(findings, folder, is_rules)
  for _, path in ipairs(files_of(folder .. "/rules")) do
    local name = "rules." .. path:match "([^/]*)%.lua$"
    local used = package.loaded[name] ~= nil
    local value = _G.require(name)
    if not used and is_rules(value) then
      findings:add(path, nil, "the pipeline does not use these rules", "warn")
    end
  end
end

return M
