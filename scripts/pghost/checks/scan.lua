-- One SELECT over a table that answers many checks: each adds the aggregates it needs, without repeating any.

local expressions = require "pghost.checks.expressions"
local sql = require "pghost.lib.sql"

local M = {}

---@class pghost.checks.Scan
---@field relation string
---@field list string[] aggregates
---@field places table<string, string> their names in the answer
local Scan = {}
Scan.__index = Scan

---@param relation string quoted
---@return pghost.checks.Scan
function M.new(relation)
  return setmetatable({ relation = relation, list = {}, places = {} }, Scan)
end

--- Adds an aggregate unless it is there; returns its name in the answer.
---@param aggregate string sql
---@return string
function Scan:add(aggregate)
  if not self.places[aggregate] then
    self.list[#self.list + 1] = aggregate
    self.places[aggregate] = "c" .. #self.list
  end
  return self.places[aggregate]
end

local function filter(check, condition)
  local parts = { check.where and "(" .. check.where .. "\n)", condition and "(" .. condition .. ")" }
  local text = parts[1] and parts[2] and parts[1] .. " AND " .. parts[2] or parts[1] or parts[2]
  return text and (" FILTER (WHERE %s)"):format(text) or ""
end

local function add_measure(scan, kind, c, check)
  local value = kind.measure(c, check) .. filter(check)
  local breaks = kind.breaks and kind.breaks(c, check, value)
    or expressions.outside(value, check.least, check.most)
  return scan:add(value .. "::pg_catalog.text"), breaks ~= "" and scan:add("(" .. breaks .. ")") or nil
end

--- Adds what a check needs: what breaks it (where its kind counts rows or measures), and what it has looked at.
---@param kind pghost.checks.Kind
---@param c pghost.checks.Context
---@param check pghost.Check
---@return table<string, string> places of its answers: violations, value, broken, total, seen
function Scan:add_check(kind, c, check)
  local places = {}
  if kind.violates then
    places.violations = self:add("pg_catalog.count(*)" .. filter(check, kind.violates(c, check)))
  elseif kind.measure then
    places.value, places.broken = add_measure(self, kind, c, check)
  end
  if not kind.cheap then
    places.total = self:add("pg_catalog.count(*)" .. filter(check))
  end
  if c.column and not kind.about_nulls and kind.subject == "column" then
    local never_null = c.columns[check.columns[1]] and c.columns[check.columns[1]].not_null
    places.seen = not never_null and self:add(("pg_catalog.count(%s)%s"):format(c.column, filter(check))) or nil
  end
  return places
end

--- Asks the server.
---@param conn pghost.Connection
---@param run pghost.Run whose parameters its conditions may name
---@param name string for messages
---@return table row by the names that add gave
function Scan:run(conn, run, name)
  local columns = {}
  for i, aggregate in ipairs(self.list) do
    columns[i] = ("%s AS c%d"):format(aggregate, i)
  end
  local statement = sql.parse(("SELECT %s\nFROM %s AS t"):format(table.concat(columns, ",\n  "), self.relation), name)
  local text, values, places = run:bind(statement)
  return statement:send(conn, text, text, places, values)[1]
end

return M
