-- The rules that a reject of a load can be of, as pghost.rejects names them.

local csv = require "pghost.native.csv"
local rules = require "pghost.native.rules"

local M = {}

-- Types and rows (bindings/rules/), keys (primary_key.lua), and what only the server refuses (bindings/load/careful.c).
local others = { "type", "compare", "check", "set", "filter", "encoding", "memory", "key", "unique", "foreign_key",
  "exclusion", "trigger", "server" }

local of_codes = { ["23502"] = "required", ["23503"] = "foreign_key", ["23505"] = "unique", ["23514"] = "check",
  ["23P01"] = "exclusion", ["22P05"] = "encoding", P0001 = "trigger" }

--- The rule of what the server refuses, as in careful.c.
---@param code string SQLSTATE
---@return string
function M.of_code(code)
  return of_codes[code] or code:sub(1, 2) == "22" and "type" or "server"
end

local names

--- All of them.
---@return table<string, true>
function M.names()
  if not names then
    names = {}
    for _, list in ipairs { others, csv.unreadable_rules(), rules.checks() } do
      for _, name in ipairs(list) do
        names[type(name) == "table" and name.name or name] = true
      end
    end
  end
  return names
end

return M
