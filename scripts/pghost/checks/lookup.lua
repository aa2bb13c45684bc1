-- Looks up what checks name in the server's catalog before any of them runs, and suggests the nearest name for a
-- missing one.

local columns = require "pghost.catalog.columns"
local errors = require "pghost.lib.errors"
local nearest = require "pghost.lib.nearest"
local readable = require "pghost.catalog.readable"
local relations = require "pghost.catalog.relations"

local M = {}

---@class pghost.checks.Catalog
---@field run pghost.Run
---@field tables table<string, { qualified: string, columns: table<string, pghost.catalog.Column> }>
local Catalog = {}
Catalog.__index = Catalog

---@class pghost.checks.Context what a kind makes its SQL with
---@field run pghost.Run
---@field conn pghost.Connection
---@field column? string quoted name of the first column
---@field types string[] of the columns
---@field columns table<string, pghost.catalog.Column> of the table
---@field relation fun(name: string): string quoted name of a table with its schema
---@field source fun(name: string): string likewise, or the rows of it that `where` leaves, for FROM
---@field quote fun(name: string): string

---@param run pghost.Run
---@return pghost.checks.Catalog
function M.new(run)
  return setmetatable({ run = run, tables = {} }, Catalog)
end

local function table_names(run)
  local names = {}
  for row in run.conn:query([[
    SELECT DISTINCT c.relname::pg_catalog.text AS name FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
    WHERE n.nspname::pg_catalog.text IN ($1::pg_catalog.text, $2::pg_catalog.text)
      AND c.relkind IN ('r', 'p', 'v', 'm', 'f')]], run.build, run.target):rows() do
    names[#names + 1] = row.name
  end
  return names
end

local function find(run, name)
  local qualified = run:find_table(name)
  local parsed, schema, plain = pcall(relations.parse, name)
  if not qualified and parsed and schema then
    local found = relations.find(run.conn, relations.quoted(schema, plain))
    qualified = found and found.qualified
  end
  return qualified
end

--- Whether there is a table, built or published.
---@param name string
---@return boolean
function Catalog:has(name)
  return find(self.run, name) ~= nil
end

--- Raises for a missing table, with the nearest name.
---@param name string
---@param where string
---@param more? string[] further names to choose from
function Catalog:raise_unknown(name, where, more)
  local names = table_names(self.run)
  table.move(more or {}, 1, #(more or {}), #names + 1, names)
  errors.raise(("%s: no table '%s'%s"):format(where, name, nearest.hint(name, names)), "42P01", { exit = 1 })
end

--- A table; raises code 42P01 when there is none of that name.
---@param name string
---@param where string
function Catalog:table(name, where)
  local known = self.tables[name]
  if not known then
    local qualified = find(self.run, name)
    if not qualified then
      self:raise_unknown(name, where)
    end
    local built = self.run.build ~= self.run.target and qualified == self.run:qualified(name)
    if not built then
      readable.check(self.run.conn, qualified, where .. ": give it a trusted owner, or write the query with check.sql")
    end
    known = { qualified = qualified, columns = select(2, columns.read(self.run.conn, qualified)) }
    self.tables[name] = known
  end
  return known
end

--- Raises unless all is there that a check names.
---@param check pghost.Check
function Catalog:require(check)
  local where = ("check '%s'"):format(check.name)
  for _, one in ipairs(check.needs) do
    local known = self:table(one.table, where)
    if one.column and not known.columns[one.column] then
      local names = {}
      for name in pairs(known.columns) do
        names[#names + 1] = name
      end
      errors.raise(("%s: no column '%s' in table '%s'%s"):format(where, one.column, one.table,
        nearest.hint(one.column, names)), "42703", { exit = 1 })
    end
  end
end

--- What the kind of a check makes its SQL with.
---@param check pghost.Check
---@return pghost.checks.Context
function Catalog:context(check)
  local own = check.table and self.tables[check.table]
  local c = { run = self.run, conn = self.run.conn, quote = relations.quote, columns = own and own.columns or {},
    types = {} }
  for i, name in ipairs(own and check.columns or {}) do
    c.types[i] = own.columns[name] and own.columns[name].type
  end
  c.column = check.columns and relations.quote(check.columns[1])
  function c.relation(name)
    return self:table(name, check.name).qualified
  end
  function c.source(name)
    local relation = c.relation(name)
    return check.where and ("(SELECT * FROM %s AS t WHERE (%s\n))"):format(relation, check.where) or relation
  end
  return c
end

return M
