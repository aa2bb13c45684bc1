-- Writes manifest.json: what went into the files. JSON by hand, so that the order is the same always.

local lists = require "pghost.lib.lists"

local M = {}

local encode

local function encode_list(list, indent)
  local parts = {}
  for i, value in ipairs(list) do
    parts[i] = indent .. "  " .. encode(value, indent .. "  ")
  end
  return "[\n" .. table.concat(parts, ",\n") .. "\n" .. indent .. "]"
end

local function encode_map(map, indent)
  local parts = {}
  for i, key in ipairs(lists.sorted_keys(map)) do
    parts[i] = ('%s  "%s": %s'):format(indent, key, encode(map[key], indent .. "  "))
  end
  return #parts == 0 and "{}" or "{\n" .. table.concat(parts, ",\n") .. "\n" .. indent .. "}"
end

-- Values here are integers, booleans, plain strings, and tables of them.
function encode(value, indent)
  if type(value) == "table" then
    return value[1] and encode_list(value, indent) or encode_map(value, indent)
  elseif type(value) == "string" then
    return '"' .. value .. '"'
  end
  return tostring(value)
end

---@param options table of generate.lua
---@param tables table counts per table
function M.write(options, tables)
  local file <close> = assert(io.open(options.out .. "/manifest.json", "wb"))
  local made = {
    bookings = options.bookings,
    clean = options.clean or false,
    companies = options.companies,
    files = options.files,
    seed = options.seed,
    users = options.users,
  }
  file:write(encode({ options = made, tables = tables }, ""), "\n")
end

return M
