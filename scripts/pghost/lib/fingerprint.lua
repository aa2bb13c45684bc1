-- A Lua value as a short text that is the same for the same value in any process: what a killed run built is valid
-- while its rules and options have the same fingerprint.

local csv = require "pghost.native.csv"
local lists = require "pghost.lib.lists"

local M = {}

local serialise

local function serialise_table(value, out, seen)
  for _, key in ipairs(lists.sorted_keys(value, true)) do
    out[#out + 1] = tostring(key) .. "="
    serialise(value[key], out, seen)
  end
  out[#out + 1] = ";"
end

-- Its code and its upvalues; of a C function only its name.
local function serialise_function(value, out, seen)
  local lua, code = pcall(string.dump, value, true)
  out[#out + 1] = lua and code or "function in C"
  for i = 1, lua and math.huge or 0 do
    local name, with = debug.getupvalue(value, i)
    if not name then
      return
    elseif with ~= _G then
      serialise(with, out, seen)
    end
  end
end

-- A value as text that is the same for the same value in any process.
function serialise(value, out, seen)
  local kind = type(value)
  if kind == "table" or kind == "function" then
    if seen[value] then
      out[#out + 1] = "again:" .. seen[value]
      return
    end
    seen.count = seen.count + 1
    seen[value] = seen.count
    local write = kind == "table" and serialise_table or serialise_function
    write(value, out, seen)
  else
    out[#out + 1] = kind .. ":" .. ((kind == "userdata" or kind == "thread") and "" or tostring(value))
  end
end

--- The fingerprint of a value: tables by their content, functions by their code and what they work with.
---@param value any
---@return string
function M.of(value)
  local out = {}
  serialise(value, out, { count = 0 })
  return csv.hash(table.concat(out))
end

return M
