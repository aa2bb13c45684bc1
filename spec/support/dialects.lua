-- Reads a text with the options of a dialect, in one go and, by the C driver, in chunks of every size.

local assert = require "luassert"
local cjson = require "cjson"
local csv = require "pghost.native.csv"
local lfs = require "lfs"
local server = require "support.server"

local build = lfs.symlinkattributes("/proc/self/exe", "target"):match("^(.*)/")
local driver = build .. "/csv_driver"

local M = {}

local function driver_options(options)
  local words = {}
  for name, value in pairs(options) do
    if name == "header" then
      value = value == true and 1 or value or 0
    end
    if name ~= "tolerant" then
      words[#words + 1] = ("'%s=%s'"):format(name, (tostring(value):gsub("'", [['\'']])))
    end
  end
  return table.concat(words, " ")
end

local function from_latin1(text)
  return (text:gsub(utf8.charpattern, function(char)
    return string.char(utf8.codepoint(char))
  end))
end

local function from_driver(text, options)
  local name = os.tmpname()
  local file <close> = assert(io.open(name, "wb"))
  file:write(text)
  file:close()
  local out = server.shell(("%s every %s %s"):format(driver, name, driver_options(options)))
  os.remove(name)
  local records = {}
  for line in (out .. "\n"):gmatch("([^\n]+)\n") do
    local record = line:find("^%[") and cjson.decode((line:gsub("%] repairs %x+%]$", "]]"))) or {}
    if record[4] == 0 then
      local cells = {}
      for i, cell in ipairs(record[5]) do
        cells[i] = cell == cjson.null and "NULL" or from_latin1(cell)
      end
      records[#records + 1] = ("%d: %s"):format(record[1], table.concat(cells, "|"))
    end
  end
  return records
end

--- The records: "line: a|b|NULL" for good ones, "line! problem: bytes" for bad ones; "stopped: message"
--- for an error at the end.
---@param text string
---@param options table
---@return string[] records
---@return string[] good ones alone
---@return string[] columns
function M.in_one_go(text, options)
  local source <close> = assert(csv.open_string(text, options))
  local seen, good = {}, {}
  local fine, message = pcall(function()
    for line, record, problem, bytes in source:records() do
      local cells = {}
      for i = 1, record and #record or 0 do
        cells[i] = record[i] or "NULL"
      end
      seen[#seen + 1] = record and ("%d: %s"):format(line, table.concat(cells, "|"))
        or ("%d! %s: %s"):format(line, problem, bytes)
      good[#good + 1] = record and seen[#seen] or nil
    end
  end)
  if not fine then
    seen[#seen + 1] = "stopped: " .. message
  else
    assert.equal(#text, source:totals().bytes)
  end
  return seen, good, source:columns()
end

--- The same, held against the driver's reading in chunks of every size.
---@return string[] records
---@return string[] columns
function M.read(text, options)
  local seen, good, columns = M.in_one_go(text, options)
  assert.same(good, from_driver(text, options))
  return seen, columns
end

return M
