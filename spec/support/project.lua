-- A project of its own for a spec: a temporary folder with scripts and files, and an empty database.

local assert = require "luassert"
local connection = require "pghost.connection"
local pghost = require "support.pghost"
local server = require "support.server"
local shown = require "support.shown"

local M = {}

---@class support.Project
---@field folder string
---@field dsn string
local Project = {}
Project.__index = Project

function Project:write(name, text)
  local file <close> = assert(io.open(self.folder .. "/" .. name, "wb"))
  file:write(text)
  return self.folder .. "/" .. name
end

function Project:read(name)
  local file <close> = assert(io.open(self.folder .. "/" .. name, "rb"))
  return file:read("a")
end

--- pghost with any words; returns stdout, stderr, exit code.
function Project:pghost(...)
  return pghost.run({ "--dsn", self.dsn, ... }, { cd = self.folder })
end

--- pghost with any words must end with this exit code; returns stderr, stdout.
---@param code integer
function Project:must(code, ...)
  local out, err, got = self:pghost(...)
  assert.equal(code, got, err)
  return err, out
end

--- pghost with any words fails with only this message; returns the exit code.
---@param message string
function Project:refused(message, ...)
  local out, err, code = self:pghost(...)
  assert.same({ "", "pghost: " .. message .. "\n" }, { out, err })
  return code
end

--- pghost init with any words, without a database; returns stdout, stderr, exit code.
function Project:init(...)
  return pghost.run({ "init", ... }, { cd = self.folder })
end

--- A script of the project; returns stderr and exit code.
---@param script string
---@param arguments? string[]
function Project:run(script, arguments)
  local _, err, code = self:pghost(script, table.unpack(arguments or {}))
  return err, code
end

--- What a Python program prints that gets the paths of files of the project.
---@param program string
---@param ... string names of files
function Project:python(program, ...)
  local words = { "python3", "-c", pghost.quote(program) }
  for _, name in ipairs { ... } do
    words[#words + 1] = pghost.quote(self.folder .. "/" .. name)
  end
  local out, err, code = pghost.shell(table.concat(words, " "))
  assert(code == 0, err)
  return out
end

--- What a query gives, unaligned as psql -At prints it.
function Project:ask(sql)
  return shown.text(self.conn, sql)
end

function Project:remove()
  self.conn:close()
  pghost.remove(self.folder)
end

---@param files table<string, string>
---@param dsn? string of a database; default: a new one
---@return support.Project
function M.new(files, dsn)
  local self = setmetatable({ folder = pghost.folder(), dsn = dsn or server.get():database() }, Project)
  self.conn = connection.open { dsn = self.dsn }
  for name, text in pairs(files or {}) do
    self:write(name, text)
  end
  return self
end

return M
