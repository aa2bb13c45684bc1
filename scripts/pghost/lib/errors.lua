-- Error objects: what the Lua library raises and the host prints.
--
-- Bindings return `nil, message, code`; the library turns that into one of these. An error object prints as one line,
-- position first, and below it what the server adds (the place in the statement, detail, hint); nothing in it can
-- control a terminal.

local pointer = require "pghost.lib.pointer"
local terminal_text = require "pghost.lib.terminal"

local M = {}

---@class pghost.Error
---@field message string one line, lower case, no full stop
---@field code string SQLSTATE, errno name ("ENOENT") or a word of our own ("usage", "check", "budget", "data")
---@field exit integer exit code of the process if nobody catches it
---@field file? string
---@field line? integer physical line, from 1
---@field column? string
---@field position? integer of an error of the server: the character of the statement it is about, from 1
---@field give? string[] options of the command line that would answer it, the likeliest first
---@field first? table the options of `give[1]`, where more may have to be given with them
---@field statement? string what was sent to the server, where the message does not show the place in it
local Error = {}
Error.__index = Error
Error.__name = "pghost.Error"

-- Details of the server are lines of their own, indented by two blanks; no other line ends stay.
local function printable(text)
  local lines = {}
  for line in (text .. "\n  "):gmatch("(.-)\n  ") do
    lines[#lines + 1] = terminal_text.harmless(line)
  end
  return table.concat(lines, "\n  ")
end

function Error:__tostring()
  local at = {}
  if self.file then
    at[#at + 1] = self.file .. ":"
    if self.line then
      at[#at + 1] = self.line .. ":"
    end
    at[#at + 1] = " "
  end
  if self.column then
    at[#at + 1] = self.column .. ": "
  end
  local message = self.position and self.statement and pointer.add(self.message, self.statement, self.position)
    or self.message
  return printable(table.concat(at) .. message)
end

local exit_codes = { usage = 2, check = 4, budget = 4 }

-- Classes of SQLSTATE that mean that the database cannot be reached or was lost: connection
-- exceptions, authorization at connect, shutdown (appendix A of the PostgreSQL manual).
local function is_connection_code(code)
  return code:find("^08") or code:find("^28") or code:find("^57P0[1235]") or code == "53300" or code == "3D000"
end

local function exit_code(code)
  return exit_codes[code] or (is_connection_code(code) and 3) or 1
end

---@param fields { message: string, code?: string, exit?: integer, file?: string, line?: integer, column?: string }
---@return pghost.Error
function M.new(fields)
  fields.code = fields.code or "data"
  fields.exit = fields.exit or exit_code(fields.code)
  return setmetatable(fields, Error)
end

--- Raises an error object.
---@param message string
---@param code? string
---@param more? table further fields
function M.raise(message, code, more)
  local fields = more or {}
  message = message:gsub("\n  position: (%d+)", function(number)
    fields.position = fields.position or math.tointeger(number)
    return ""
  end, 1)
  fields.message, fields.code = message, code
  error(M.new(fields), 0)
end

--- Passes results of a binding through, raising where it returned nil (or false), message, code.
function M.check(value, message, code, ...)
  if not value and message then
    M.raise(message, code)
  end
  return value, message, code, ...
end

---@return boolean
function M.is(value)
  return getmetatable(value) == Error
end

return M
