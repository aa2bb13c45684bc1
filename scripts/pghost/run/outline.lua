-- What a pipeline's script would do, found by running it with a recording run: nothing is loaded or changed.
--
-- Commands that want a project's rules, checks or SQL read them from here, since only the script says which are used.

local command_line = require "pghost.run.command_line"
local errors = require "pghost.lib.errors"
local pipeline = require "pghost.pipeline"
local project = require "pghost.run.project"
local Run = require "pghost.run"
local script = require "pghost.run.script_runner"

local M = {}

---@class pghost.outline.Step
---@field kind "load"|"stage"|"clean"|"check"|"analyse"|"publish"
---@field name? string of the table
---@field files? string|string[]
---@field rules? any
---@field options? any
---@field list? any of checks
---@field folder? string of analyse
---@field file string of the script's line
---@field line integer

---@class pghost.Outline
---@field name? string of the pipeline; nil: it did not start one
---@field settings? table
---@field steps pghost.outline.Step[]
---@field expected? any checks of run:expect that have not run
---@field problem? any what ended the script
---@field asked? { file: string, line: integer, what: string } where it asked the database, and was not followed further

-- The run that takes notes ------------------------------------------------------------------------------

local Notes = { __name = "pghost.Run" }

local unfollowed = setmetatable({}, { __tostring = function()
  return "the script asks the database"
end })

-- The line of the script that calls a method.
local function caller()
  local where = debug.getinfo(3, "Sl")
  return where.source:match "^@(.*)" or where.short_src, where.currentline
end

-- The checks of run:expect run at run:check(), else before publishing.
local function note_expected(outline, step)
  local list = outline.expected
  if list ~= nil and step.kind == "check" and step.list == nil then
    step.list, outline.expected = list, nil
  elseif list ~= nil and step.kind == "publish" then
    table.insert(outline.steps, { kind = "check", list = list, file = step.file, line = step.line })
    outline.expected = nil
  end
end

local function noting(kind, names)
  return function(self, ...)
    local step = { kind = kind }
    for i, name in ipairs(names) do
      step[name] = (select(i, ...))
    end
    step.file, step.line = caller()
    note_expected(self.outline, step)
    table.insert(self.outline.steps, step)
  end
end

local methods = {
  load = noting("load", { "name", "files", "rules", "options" }),
  stage = noting("stage", { "name", "files", "rules", "options" }),
  clean = noting("clean", { "name", "rules", "options" }),
  check = noting("check", { "list" }),
  expect = function(self, list)
    self.outline.expected = list
  end,
  analyse = noting("analyse", { "folder" }),
  publish = noting("publish", {}),
  close = function() end,
}

-- Any other member of a run: whatever needs a database ends the recording.
function Notes.__index(self, key)
  if methods[key] then
    return methods[key]
  end
  local settings = self.outline.settings
  local known = { name = self.outline.name, settings = settings, target = settings.schema, as_of = settings.as_of,
    log = self.log }
  if known[key] ~= nil then
    return known[key]
  end
  local where = debug.getinfo(2, "Sl")
  local file = where.source:match "^@(.*)" or where.short_src
  if not Run.declares(key) then
    return self.unknown(tostring(key), file, where.currentline)
  end
  self.outline.asked = { file = file, line = where.currentline, what = tostring(key) }
  error(unfollowed, 0)
end

Notes.__close = methods.close

local silent = setmetatable({}, { __index = function()
  return function() end
end })

-- Running it --------------------------------------------------------------------------------------------

local function raise_unknown(key, file, line)
  error(("%s:%d: a run has no '%s'"):format(file, line, key), 0)
end

---@class pghost.outline.Hooks for who wants to go on after mistakes
---@field settings? fun(name: string, config: any, place: { file: string, line: integer }): table, table
---@field unknown? fun(key: string, file: string, line: integer): any what a run does not have

local function start_noting(outline, hooks)
  return function(name, config, options)
    options = type(options) == "table" and options or {}
    outline.name = name
    local settings, given
    if hooks.settings then
      local where = debug.getinfo(2, "Sl")
      settings, given = hooks.settings(name, config, { file = where.source:match "^@(.*)" or where.short_src,
        line = where.currentline })
    else
      settings, given = command_line.settings(name, config, options.arguments or _G.arg or {})
    end
    if not given.data then
      settings.data = project.path(settings.data)
    end
    outline.settings = settings
    return setmetatable({ outline = outline, log = silent, unknown = hooks.unknown or raise_unknown }, Notes)
  end
end

--- Runs a script, and says what it would have done.
---@param path string
---@param arguments? string[] its command line
---@param hooks? pghost.outline.Hooks
---@return pghost.Outline `problem` says what ended it early
function M.of(path, arguments, hooks)
  local outline, start = { steps = {} }, pipeline.start
  pipeline.start = start_noting(outline, hooks or {})
  local done, problem = pcall(script.run, path, arguments or {})
  pipeline.start = start
  if not done and problem ~= unfollowed then
    outline.problem = problem
  end
  return outline
end

--- As M.of; raises what ended the script early, and that it started no pipeline.
---@param path string
---@param arguments? string[]
---@return pghost.Outline
function M.complete(path, arguments)
  local outline = M.of(path, arguments)
  if outline.problem ~= nil then
    error(outline.problem, 0)
  elseif not outline.name then
    errors.raise(("'%s' starts no pipeline (pipeline.start)"):format(path), "usage", { exit = 1 })
  elseif outline.asked then
    errors.raise("the script queries the database here (run." .. outline.asked.what
      .. "), so what follows is not known without running it", "usage",
      { exit = 1, file = outline.asked.file, line = outline.asked.line })
  end
  return outline
end

--- The steps of some kinds, in order.
---@param outline pghost.Outline
---@param ... string
---@return pghost.outline.Step[]
function M.steps(outline, ...)
  local wanted, list = {}, {}
  for i = 1, select("#", ...) do
    wanted[(select(i, ...))] = true
  end
  for _, step in ipairs(outline.steps) do
    list[#list + 1] = wanted[step.kind] and step or nil
  end
  return list
end

return M
