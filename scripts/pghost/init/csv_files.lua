-- The CSV files that a project is made of: found, sniffed as `dialect = "auto"` does; those that are not clear, named.

local auto_dialect = require "pghost.input.auto_dialect"
local dialect = require "pghost.input.dialect"
local errors = require "pghost.lib.errors"
local files = require "pghost.input.files"
local lfs = require "lfs"
local paths = require "pghost.lib.paths"
local reread = require "pghost.init.reread"
local sys = require "pghost.native.sys"

local M = {}

---@class pghost.init.Seen a file that is clear
---@field file pghost.File
---@field path string relative to the data folder, or absolute where it is not in it
---@field found pghost.sniff.Result
---@field options table those of run:load that read it
---@field remarks string[] what is not sure, and lines that are skipped

---@class pghost.init.Refused a file that is not
---@field path string
---@field reason string one line, with what to give

-- Endings of what could be a table, beside those that paths.expand looks for in a folder.
local other_endings = { "tsv", "tab", "psv" }

local function in_folder(folder)
  local found = {}
  local has_csv, problem = pcall(paths.expand, folder)
  if has_csv then
    found = problem
  elseif not (errors.is(problem) and problem.code == "ENOENT") then
    error(problem, 0)
  end
  for _, ending in ipairs(other_endings) do
    for _, path in ipairs(paths.list(folder, ending)) do
      found[#found + 1] = path
    end
  end
  if #found == 0 then
    errors.raise(("no CSV file in folder '%s': give the folder that they are in"):format(folder), "ENOENT")
  end
  return found
end

--- The files that a user names: folders, globs, paths.
---@param names string[]
---@return pghost.File[]
function M.resolve(names)
  local list = {}
  for _, name in ipairs(names) do
    local found = lfs.attributes(name, "mode") == "directory" and in_folder(name) or { name }
    table.move(found, 1, #found, #list + 1, list)
  end
  return (files.resolve(list))
end

--- A path as seen from a folder: relative where it is below it.
---@param path string
---@param folder string
---@return string
function M.relative(path, folder)
  local whole, above = paths.absolute(path), paths.absolute(folder)
  if whole == above then
    return "."
  end
  above = above == "/" and above or above .. "/"
  return whole:sub(1, #above) == above and whole:sub(#above + 1) or whole
end

-- Of a load that is to find what is not given.
local function load_options(given)
  local options = { dialect = "auto", create = true } -- create: types are those of the whole file
  for name, value in pairs(given) do
    options[name] = value
  end
  return options
end

-- What is in doubt is not where the user has said it.
local function is_answered(warning, given)
  return given.delimiter and warning:find("^it could be read in two ways") or given.encoding
    and warning:find("^encoding:") or given.header ~= nil and warning:find("^header:")
end

local function remarks_of(found, told, given)
  local list = {}
  for _, warning in ipairs(found.warnings) do
    list[#list + 1] = not is_answered(warning, given) and warning or nil
  end
  table.move(told, 1, #told, #list + 1, list)
  return list
end

local function sniff(file, given)
  local told = {}
  auto_dialect.sniff(load_options(given), file, function(text, _, level)
    if level == "warn" and not text:find("confidence", 1, true) then
      told[#told + 1] = text
    end
  end)
  if #file.found.columns == 0 then
    errors.raise("no column is seen", "data", { file = file.name })
  elseif reread.is_needed(given) then
    local found, options = reread.look(file, file.dialect.options, given)
    return options, found.warnings, found
  end
  return dialect.of(file.dialect.options, given), remarks_of(file.found, told, given), file.found
end

local function refusal(file, path, problem)
  if not errors.is(problem) or sys.interrupted() then
    error(problem, 0)
  end
  local text, whole = problem.message, "'" .. file.path .. "' "
  return { path = path, reason = text:sub(1, #whole) == whole and text:sub(#whole + 1) or text }
end

--- Looks at every file.
---@param list pghost.File[]
---@param given table dialect options that the user has given, for all of them
---@param data string the data folder
---@param say fun(text: string)
---@return pghost.init.Seen[] seen
---@return pghost.init.Refused[] refused
function M.look(list, given, data, say)
  local seen, refused = {}, {}
  for _, file in ipairs(list) do
    local path = M.relative(file.path, data)
    if file.read_once then
      refused[#refused + 1] = { path = path, reason = files.once(file) }
    elseif not utf8.len(path) then -- the server could not keep it
      refused[#refused + 1] = { path = path, reason = "its name is not valid UTF-8: give it another" }
    else
      say(file.name)
      local clear, options, remarks, found = pcall(sniff, file, given)
      if clear and found.records <= found.misfits then -- a run would not publish an empty table
        local reason = found.records == 0 and "it has no record yet: add it when it has"
        refused[#refused + 1] = { path = path, reason = reason or "none of its records can be read" }
      elseif clear then
        seen[#seen + 1] = { file = file, path = path, found = found, options = options, remarks = remarks }
      else
        refused[#refused + 1] = refusal(file, path, options)
      end
    end
  end
  return seen, refused
end

return M
