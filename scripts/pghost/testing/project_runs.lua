-- The project that the specs belong to: its folder, and its script, run over a spec's files.

local errors = require "pghost.lib.errors"
local lfs = require "lfs"
local known_keys = require "pghost.lib.known_keys"
local lists = require "pghost.lib.lists"
local pipeline = require "pghost.pipeline"
local run_script = require "pghost.run.script_runner"
local settings_of = require "pghost.run.settings"
local shell = require "pghost.lib.shell"

local M = {}

local script -- path of the project's script

--- Says which project it is: modules are found in its folder from then on, first.
---@param path string of its script
function M.use(path)
  script = run_script.use(path)
end

---@return string
function M.script()
  return script
    or errors.raise("no pipeline.lua here: start `pghost test` in a project, or give --script FILE", "usage")
end

-- Inline text may be indented as the spec around it is.
local function unindented(text)
  local indent = text:match "^[ \t]+"
  if not indent then
    return text
  end
  return ("\n" .. text):gsub("\n" .. indent, "\n"):gsub("\n[ \t]+$", "\n"):sub(2)
end

local function make_folders(root, name)
  for at in name:gmatch "()/" do
    lfs.mkdir(root .. "/" .. name:sub(1, at - 1))
  end
end

--- Writes files into a folder of their own, to be removed when the value goes out of its scope.
---@param files table<string, string> texts by path
---@return table folder `path`, __close
function M.folder(files)
  local path = os.tmpname()
  os.remove(path)
  lfs.mkdir(path)
  for name, text in pairs(files) do
    make_folders(path, name)
    local file <close> = assert(io.open(path .. "/" .. name, "wb"))
    file:write((unindented(text)))
  end
  return setmetatable({ path = path }, { __close = function()
    os.execute("rm -rf " .. shell.quote(path))
  end })
end

-- The output written there, as text.
local Text = {}
Text.__index = Text

function Text:write(...)
  for i = 1, select("#", ...) do
    self[#self + 1] = tostring((select(i, ...)))
  end
  return self
end

function Text.flush() end

local function new_text()
  return setmetatable({}, Text)
end

---@class pghost.testing.Outcome
---@field run? integer number of the run, in the throw-away database
---@field log string
---@field output string the answers as they are printed
---@field problem? pghost.Error what ended it
---@field started? pghost.Run the run itself, over
local Outcome = {}
known_keys.strict_class("the outcome of a run has", Outcome, lists.set { "run", "log", "output", "problem", "started" })

local flags = {} -- settings that are options without a value
for _, setting in ipairs(settings_of.list) do
  flags[setting.name] = setting.kind == "flag"
end

-- The options of the command line that stand for settings of a spec.
local function arguments_of(settings, folder)
  local list = { "--report", "", folder and "--data", folder }
  for name, value in pairs(settings or {}) do
    local option = "--" .. name:gsub("_", "-")
    if not flags[name] then
      list[#list + 1] = option
      list[#list + 1] = value == true and "yes" or value == false and "no" or tostring(value)
    elseif value then
      list[#list + 1] = option
    end
  end
  return list
end

-- Calls fn while pipelines start as a spec wants them to.
local function with_start(out, outcome, settings, folder, fn)
  local start = pipeline.start
  local _ <close> = setmetatable({}, { __close = function()
    pipeline.start = start
  end })
  pipeline.start = function(name, config, options)
    local more = { arguments = arguments_of(settings, folder), out = out.output, hooks = false,
      log = { out = out.log, quiet = false, format = "text" } }
    -- `require` gives the path as a second value.
    outcome.started = start(name, config, lists.merged(more, type(options) == "table" and options or nil))
    outcome.run = outcome.started.id
    return outcome.started
  end
  return pcall(fn)
end

--- Runs something that starts a pipeline over files.
---@param files? table<string, string> nil: the project's own
---@param settings? table<string, string|number|boolean>
---@param fn fun()
---@return pghost.testing.Outcome
function M.run(files, settings, fn)
  local folder <close> = files and M.folder(files) or nil
  local out, outcome = { log = new_text(), output = new_text() }, setmetatable({}, Outcome)
  local done, problem = with_start(out, outcome, settings, folder and folder.path, fn)
  outcome.problem = not done and (errors.is(problem) and problem or errors.new { message = tostring(problem) }) or nil
  outcome.log, outcome.output = table.concat(out.log), table.concat(out.output)
  return outcome
end

--- The function that runs the project's script.
---@return fun()
function M.chunk()
  local chunk, message = loadfile(M.script())
  return chunk or error(message, 0)
end

return M
