-- A database and a folder of files for specs of loads into the published table `item`.

local assert = require "luassert"
local connection = require "pghost.connection"
local pipeline = require "pghost.pipeline"
local r = require "pghost.rules"
local server = require "support.server"
local shown = require "support.shown"

local M = {}

local shell = server.shell

M.keyed = r.table("item", {
  { "id", r.bigint():required() },
  { "name", r.text() },
  { "price", r.numeric(10, 2) },
}, { key = "id" })

M.plain = r.table("item", {
  { "id", r.bigint():required() },
  { "name", r.text() },
  { "price", r.numeric(10, 2) },
})

---@class spec.Modes
---@field folder string of the files
---@field dsn string
---@field db pghost.Connection
local World = {}
World.__index = World

--- One that is not open yet: World:use says when.
---@return spec.Modes
function M.world()
  return setmetatable({}, World)
end

function World:open()
  self.dsn = server.get():database()
  self.db = connection.open { dsn = self.dsn }
end

--- Opens a world for the tests of a `describe`, whose schemas and folder are new for each test.
function World:use(setup, teardown, before_each, after_each)
  setup(function()
    self:open()
  end)
  teardown(function()
    self:close()
  end)
  before_each(function()
    self:clear()
  end)
  after_each(function()
    self:remove()
  end)
end

--- Its methods as functions: write, ask, publish, load, items.
function World:functions()
  local function bound(name)
    return function(...)
      return self[name](self, ...)
    end
  end
  return bound "write", bound "ask", bound "publish", bound "load", bound "items"
end

function World:clear()
  self.folder = shell "mktemp -d /tmp/pghost_modes.XXXXXX"
  self.db:query "SET client_min_messages = warning"
  self.db:query "DROP SCHEMA public CASCADE"
  self.db:query "CREATE SCHEMA public"
  self.db:query "DROP SCHEMA IF EXISTS pghost CASCADE"
end

function World:remove()
  shell("rm -rf " .. self.folder)
end

function World:close()
  self.db:close()
end

function World:write(name, text)
  local file <close> = assert(io.open(self.folder .. "/" .. name, "wb"))
  file:write(text)
end

function World:ask(sql)
  return shown.text(self.db, sql)
end

--- A run that has not ended, and its log.
---@return pghost.Run
---@return { text: string }
function World:start(name, config)
  local out = shown.sink()
  config = config or {}
  config.data = config.data or self.folder
  return pipeline.start(name, config, {
    arguments = {}, dsn = self.dsn, log = { out = out, format = "text", quiet = false }, out = shown.sink(),
  }), out
end

--- Runs fn(run) and publishes; returns the log, or raises what ended it.
function World:publish(fn, config)
  local run <close>, out = self:start("modes", config)
  fn(run)
  run:publish()
  return out.text
end

function World:load(spec, options, rules)
  return self:publish(function(run)
    run:load("item", spec, rules or M.keyed, options)
  end)
end

--- The rows of `item`, by id.
function World:items()
  return self:ask "SELECT id, name, price FROM item ORDER BY id"
end

--- Asserts that fn(...) raises what matches.
function M.fails(pattern, fn, ...)
  local good, problem = pcall(fn, ...)
  assert.is_false(good)
  assert.matches(pattern, tostring(problem))
  return problem
end

return M
