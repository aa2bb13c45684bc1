-- Checks over tables that a spec makes with SQL, in a run without loads.

local pipeline = require "pghost.pipeline"
local server = require "support.server"
local connection = require "pghost.connection"
local shown = require "support.shown"

local M = {}

---@class support.Checks
---@field dsn string
---@field conn pghost.Connection
local World = {}
World.__index = World

--- Runs checks; returns a line for each that is recorded ("state violations"), the log and the error.
---@param list table[]
---@param config? table
function World:run(list, config)
  local out = shown.sink()
  local id
  local _, problem = pcall(function()
    local settings = { schema = "public" }
    for key, value in pairs(config or {}) do
      settings[key] = value
    end
    local run <close> = pipeline.start("spec", settings, { arguments = {}, dsn = self.dsn,
      log = { out = out, format = "text", quiet = false }, out = shown.sink() })
    id = run.id
    run:check(list)
  end)
  if not id then
    error(problem, 0)
  end
  local lines = {}
  for row in self.conn:query([[
    SELECT CASE WHEN passed THEN 'passed' ELSE severity END AS state, violations FROM pghost.checks
    WHERE run_id = $1 ORDER BY check_id]], id or 0):rows() do
    lines[#lines + 1] = ("%s %d"):format(row.state, row.violations)
  end
  return lines, out.text, problem
end

--- What a query gives, as psql -At prints it.
function World:ask(sql)
  return shown.text(self.conn, sql)
end

function World:close()
  self.conn:close()
end

---@param script? string SQL
---@return support.Checks
function M.new(script)
  local self = setmetatable({ dsn = server.get():database() }, World)
  self.conn = connection.open { dsn = self.dsn }
  if script then
    self.conn:exec(script)
  end
  return self
end

return M
