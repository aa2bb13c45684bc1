-- Where in the user's files columns and row rules were made, for messages about them.
--
-- `return r.table(...)`, as rules files end, is a tail call: Lua has lost the line when it fails. The columns were made
-- earlier, by calls that still have one.

local host = require "pghost.native.host"

local M = {}

local library = "@" .. (host.root or "") .. "/scripts/pghost/"
local places = setmetatable({}, { __mode = "k" }) -- "file:line: " by what was made there

--- The line that has called the library, as "file:line: "; nil where the call was the file's last statement.
---@return string?
function M.caller()
  local level = 1
  local frame
  repeat
    level = level + 1
    frame = debug.getinfo(level, "Sl")
  until not frame or frame.source:sub(1, #library) ~= library
  return frame and frame.currentline > 0 and ("%s:%d: "):format(frame.short_src, frame.currentline) or nil
end

--- Remembers where a value was made, and returns it.
function M.remember(value)
  places[value] = M.caller()
  return value
end

-- The entry that a message names, else the last one.
local function find(entries, is_named, value_of)
  local place
  for _, entry in ipairs(type(entries) == "table" and entries or {}) do
    local found = type(entry) == "table" and places[value_of(entry)]
    place = found or place
    if found and is_named(entry) then
      return found
    end
  end
  return place
end

--- Where a mistake in the rules of a table is, as "file:line: ": the caller's line, else that of the column or row rule
--- that the message names, else that of the last column. Call it from the function that the user calls.
---@param message string
---@param columns table[] as given to r.table
---@param options? table the same
---@return string place "" where it is unknown
function M.of_mistake(message, columns, options)
  local caller = M.caller()
  local column, rule = message:match("^rules '.-': column '(.-)'"), message:match("^rules '.-': ([%a_]+):")
  local rows = not column and type(options) == "table" and options.row
  return caller or rows and find(rows, function(entry)
    return entry.rule == rule
  end, function(entry)
    return entry
  end) or find(columns, function(entry)
    return entry[1] == column
  end, function(entry)
    return entry[2]
  end) or ""
end

return M
