-- The CSV files that a project is made of: found, and sniffed as `dialect = "auto"` does; unclear ones are named.

local auto_dialect = require "pghost.input.auto_dialect"
local best_options = require "pghost.init.best_options"
local dialect = require "pghost.input.dialect"
local errors = require "pghost.lib.errors"
local files = require "pghost.input.files"
local lfs = require "lfs"
local lists = require "pghost.lib.lists"
local log = require "pghost.lib.log"
local paths = require "pghost.lib.paths"
local reread = require "pghost.init.reread"
local shell = require "pghost.lib.shell"
local sys = require "pghost.native.sys"

local M = {}

---@class pghost.init.Seen a file that is clear
---@field file pghost.File
---@field give? string[] options that would make it clear, the likeliest first
---@field path string relative to the data folder, or absolute where it is not in it
---@field found pghost.sniff.Result
---@field options table those of run:load that read it
---@field remarks string[] what is not sure, and lines that are skipped

---@class pghost.init.Refused a file that is not
---@field path string
---@field reason string one line, with what to give
---@field file pghost.File
---@field tried? pghost.init.TriedOptions what the likeliest options make of it

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

-- For a load that is to detect what is not given.
local function load_options(given)
  local options = { dialect = "auto", create = true } -- create: types are those of the whole file
  for name, value in pairs(given) do
    options[name] = value
  end
  return options
end

-- What the user has given is not in doubt.
local function is_answered(warning, given)
  return given.delimiter and warning:find("^it could be read in two ways") or given.encoding
    and warning:find("^encoding:") or given.header ~= nil and warning:find("^header:")
end

-- Of several rejected readings the first says enough; remarks on a column are written into the rules.
local function remarks_of(found, told, given)
  local list, readings, known = {}, 0, {}
  for _, warning in ipairs(found.warnings) do
    local of_reading = warning:find("^it could be read in two ways") ~= nil
    readings = readings + (of_reading and 1 or 0)
    if not (is_answered(warning, given) or warning:find("^column '") or of_reading and readings > 1) then
      list[#list + 1] = of_reading and warning .. "; the first is taken" or warning
    end
    known[warning] = true
  end
  for _, text in ipairs(told) do
    list[#list + 1] = not known[text:match("^[^:]*: (.*)$")] and text or nil
  end
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

-- With an encoding, or a delimiter alone, more may not be clear: that is asked in the same breath.
local function answers_of(file, given, refused)
  local give = refused.give
  if not refused.first then
    return give
  end
  local more = lists.merged(refused.first)
  for name, value in pairs(given) do
    more[name] = value
  end
  local clear, problem = pcall(sniff, file, more)
  if clear or not errors.is(problem) or not problem.give or #problem.give == 0 then
    return give
  end
  local list = lists.map(problem.give, function(text)
    return give[1] .. " " .. text
  end)
  for i = 2, #give do
    list[#list + 1] = give[i] .. " " .. problem.give[1]
  end
  return list
end

local function refusal(file, path, problem, given)
  if not errors.is(problem) or sys.interrupted() then
    error(problem, 0)
  end
  local text, whole = problem.message, "'" .. file.path .. "' "
  local answers = answers_of(file, given, problem) or {}
  local give, best = best_options.of(file, answers, given, function(more)
    return sniff(file, more)
  end)
  return { file = file, path = path, give = give, tried = best,
    reason = text:sub(1, #whole) == whole and text:sub(#whole + 1) or text }
end

local function others_of(best, give)
  local parts = {}
  if best and best.misfits > 0 then
    parts[1] = ("%s of %s rejected"):format(log.count(best.misfits), log.counted(best.records, "record"))
  end
  parts[#parts + 1] = #give > 1 and "or " .. table.concat(give, ", or ", 2) or nil
  return #parts > 0 and table.concat(parts, "; ") or nil
end

--- The command that adds a file that was left out, from the project's folder, or that makes a project of it; and what
--- else could be right.
---@param refused pghost.init.Refused
---@param folder? string of the project to be made
---@return string? command nil: no option makes it clear
---@return string? others
function M.command(refused, folder)
  local give = refused.give or {}
  if #give == 0 or refused.file.member then
    return nil
  end
  local others = others_of(refused.tried, give)
  local file = shell.word(paths.absolute(refused.file.path))
  if folder then
    local into = folder == "." and "" or " --into " .. shell.word(folder)
    return ("pghost init %s %s%s"):format(file, give[1], into), others
  end
  return ("pghost init --add %s %s"):format(file, give[1]), others
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
      refused[#refused + 1] = { file = file, path = path, reason = files.once(file) }
    elseif not utf8.len(path) then -- the server could not keep it
      refused[#refused + 1] = { file = file, path = path, reason = "its name is not valid UTF-8: rename it" }
    else
      say(file.name)
      local clear, options, remarks, found = pcall(sniff, file, given)
      if clear and found.records <= found.misfits then -- a run would not publish an empty table
        local reason = found.records == 0 and "it has no records yet: add it once it has some"
        refused[#refused + 1] = { file = file, path = path, reason = reason or "none of its records can be read" }
      elseif clear then
        seen[#seen + 1] = { file = file, path = path, found = found, options = options, remarks = remarks }
      else
        refused[#refused + 1] = refusal(file, path, options, given)
      end
    end
  end
  return seen, refused
end

return M
