-- busted inside of this process, with a throw-away database for each spec file.

local database = require "pghost.testing.database"
local connection = require "pghost.connection"
local errors = require "pghost.lib.errors"
local host = require "pghost.native.host"

local M = {}

---@class pghost.testing.Watcher what is told of the files; any may be missing
---@field file_end? fun(name: string) before its database is dropped
---@field suite_end? fun() after the last file

-- busted's dependencies, loaded early so that no module of a project can replace them later.
local below <const> = { "busted.core", "busted", "luassert", "say", "mediator", "term", "cliargs", "pl.path", "pl.dir",
  "pl.tablex", "pl.pretty", "pl.stringx", "busted.execute", "busted.block" }

--- Loads busted; to be called before a project's folder is searched for modules.
function M.prepare()
  if not pcall(require, "busted.runner") then
    errors.raise("busted is not installed: `pghost test` runs it (Debian's package lua-busted)", "ENOENT")
  end
  for _, name in ipairs(below) do
    pcall(require, name) -- what this version of busted does not have, it does not need
  end
end

local function arguments_of(options, files)
  local words = { "--pattern=_spec%.lua$", "--helper=pghost.testing.helper",
    "--config-file=" .. package.searchpath("pghost.testing.busted_config", host.root .. "/scripts/?.lua") }
  for _, name in ipairs { "filter", "output" } do
    if options[name] then
      words[#words + 1] = ("--%s=%s"):format(name, options[name])
    end
  end
  if options.list then
    words[#words + 1] = "--list"
  end
  return table.move(files, 1, #files, #words + 1, words)
end

local watcher = {}

--- Follows the files; busted calls it, by testing/helper.lua, when it has begun.
function M.subscribe()
  local busted = require "busted"
  busted.subscribe({ "file", "end" }, function(file)
    local told, problem = true, nil
    if watcher.file_end then
      told, problem = pcall(watcher.file_end, file.name)
    end
    database.drop()
    if not told then
      error(problem, 0)
    end
    return nil, true
  end)
  busted.subscribe({ "exit" }, function()
    if watcher.suite_end then
      watcher.suite_end()
    end
    return nil, true
  end)
end

-- Whatever ends the process: the database goes with it. Kept by the registry until the state closes.
local function drop_at_exit()
  debug.getregistry()["pghost.testing"] = setmetatable({}, { __gc = function()
    pcall(database.drop)
  end })
end

--- Runs spec files; the process ends with exit code 1 if a test fails.
---@param files string[] paths of files and folders
---@param options { filter?: string, output?: string, list?: boolean }
---@param told? pghost.testing.Watcher
function M.run(files, options, told)
  M.prepare()
  drop_at_exit()
  connection.lead(database.dsn, "pghost test")
  watcher = told or watcher
  local exit = os.exit
  os.exit = function(code, close) -- luacheck: ignore 122
    exit((code == 0 or code == true) and 0 or 1, close) -- busted's is the number of failures, 256 of them are not 0
  end
  _G.arg = arguments_of(options, files)
  assert(load('require "busted.runner" { standalone = false }', "@pghost test"))()
end

return M
