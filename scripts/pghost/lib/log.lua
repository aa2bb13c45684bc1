-- The log of a run, on stderr: one line an event, as text for people or as JSON for machines.
--
-- A line cannot be forged by a value. In text, counts have thousands separators, and warnings and errors a color on
-- a terminal; JSON has plain numbers, and its keys in one order. Not for results, which go to stdout, and not for
-- progress (progress.lua).

local color = require "pghost.lib.color"
local json = require "pghost.lib.json"
local lists = require "pghost.lib.lists"
local print_ = require "pghost.lib.print"
local sys = require "pghost.native.sys"
local terminal_text = require "pghost.lib.terminal"

local M = {}

local name_width = 20 -- columns
local text_at = 8 + 1 + name_width + 1 -- column that texts begin at
local least_text <const> = 30 -- columns; on a terminal too narrow for them lines are not indented as far
local paints = { warn = color.yellow, error = color.red }

---@class pghost.Log
---@field format "text"|"json"
---@field quiet boolean leaves out all but warnings and errors
---@field warnings integer lines of level "warn" so far
local Log = {}
Log.__index = Log

--- An integer with thousands separators: 1,234,567.
---@param number integer
---@return string
function M.count(number)
  local digits = ("%d"):format(number)
  if #digits < 4 then
    return digits
  end
  local sign, head = digits:match("^(-?)(%d+)$")
  head = head:reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", "")
  return sign .. head
end

--- "1,234 records", "1 record".
---@param number integer
---@param noun string
---@param plural? string
---@return string
function M.counted(number, noun, plural)
  return M.count(number) .. " " .. (number == 1 and noun or plural or noun .. "s")
end

--- A duration for people: "0.04 s", "12.3 s", "2 min 05 s".
---@param seconds number
---@return string
function M.duration(seconds)
  if seconds < 10 then
    return ("%.2f s"):format(seconds)
  elseif seconds < 60 then
    return ("%.1f s"):format(seconds)
  end
  local whole = math.floor(seconds + 0.5)
  return ("%d min %02d s"):format(whole // 60, whole % 60)
end

local function host_options()
  local found, host = pcall(require, "pghost.native.host")
  return found and host.options or {}
end

--- A log that follows the host's options `--log-format` and `--quiet` unless told otherwise.
---@param options? { format?: "text"|"json", quiet?: boolean, out?: file* }
---@return pghost.Log
function M.new(options)
  options = options or {}
  local host = host_options()
  local quiet = options.quiet
  if quiet == nil then
    quiet = host.quiet or false
  end
  return setmetatable({
    format = options.format or host.log_format or "text",
    quiet = quiet,
    out = options.out or io.stderr,
    warnings = 0,
  }, Log)
end

local first_names = { "time", "level", "event", "name", "message" }

-- Three decimals are enough, for seconds and for shares.
local function short(value)
  return math.type(value) == "float" and (tonumber(("%.3f"):format(value))) or value
end

local function json_line(object, fields)
  local more, names = {}, { table.unpack(first_names) }
  for key, value in pairs(fields or {}) do
    if object[key] == nil then -- false is a value
      more[key] = short(value)
    end
  end
  for _, key in ipairs(lists.sorted_keys(more)) do
    names[#names + 1], object[key] = key, more[key]
  end
  return json.object(names, object)
end

local function padded(name)
  return name .. (" "):rep(name_width - terminal_text.width(name))
end

-- Where people look on, lines are broken at blanks.
local function shown(out, line)
  local width = out == io.stderr and sys.is_tty(2) and sys.columns(2)
  if not width then
    return line
  end
  return terminal_text.wrapped(line, width, math.max(2, math.min(text_at, width - least_text)))
end

--- Writes one event. `kind` is what happened ("load", "check", ...), `name` what to, `text` how it
--- went for people, `fields` the same for machines; `fields.seconds` is printed as the duration.
---@param level "info"|"warn"|"error"
---@param kind string
---@param name string
---@param text string
---@param fields? table
function Log:event(level, kind, name, text, fields)
  self.warnings = self.warnings + (level == "warn" and 1 or 0)
  if self.quiet and level == "info" then
    return
  end
  if self.format == "json" then
    self.out:write(terminal_text.harmless_json(json_line({ time = os.date("!%Y-%m-%dT%H:%M:%SZ"), level = level,
      event = kind, name = name, message = text }, fields)), "\n")
  else
    local seconds = fields and fields.seconds
    local mark = level == "info" and "" or level .. ": "
    local line = shown(self.out, ("%-8s %s %s%s%s"):format(kind, padded(terminal_text.harmless(name)), mark,
      terminal_text.harmless(text), seconds and "  (" .. M.duration(seconds) .. ")" or ""))
    local paint = self.out == io.stderr and paints[level]
    self.out:write(paint and paint(line, 2) or line, "\n")
  end
  self.out:flush()
end

--- A table below the lines, where people look on: on a terminal alone, in text, and not for --quiet.
---@param columns string[]
---@param rows string[][]
---@param types? string[] of the columns, as the server names them
function Log:table(columns, rows, types)
  if self.quiet or self.format ~= "text" or self.out ~= io.stderr or not sys.is_tty(2) or #rows == 0 then
    return
  end
  local printer = print_.printer(columns, rows, { types = types, width = sys.columns(2) })
  self.out:write("\n", printer.head)
  for _, row in ipairs(rows) do
    self.out:write(printer.line(row))
  end
  self.out:write("\n")
  self.out:flush()
end

function Log:info(...)
  self:event("info", ...)
end

function Log:warn(...)
  self:event("warn", ...)
end

function Log:error(...)
  self:event("error", ...)
end

return M
