-- Lines that a reading skips, with their text: what the user must see before trusting it.

local log = require "pghost.lib.log"

local M = {}

---@class pghost.sniff.Passed
---@field line integer physical, from 1
---@field what "above"|"comment"|"below"
---@field text string UTF-8, its start

local most_shown = 10

local where = { above = "above the table", comment = "a comment", below = "below the table" }

-- Text that a message, a terminal and jsonb can hold; it may be cut within a character.
local function safe(text, cut)
  local good, bad = utf8.len(text)
  while not good do
    text = bad + 3 > #text and text:sub(1, bad - 1) or text:sub(1, bad - 1) .. "?" .. text:sub(bad + 1)
    good, bad = utf8.len(text)
  end
  text = text:gsub("[%z\1-\31\127]", function(character)
    return character == "\t" and "\\t" or ("\\x%02x"):format(character:byte())
  end)
  return cut and text .. "..." or text
end

--- Of the facts about a file.
---@param facts table of pghost.native.sniff
---@return pghost.sniff.Passed[]
function M.of(facts)
  local list = {}
  for i, passed in ipairs(facts.passed) do
    list[i] = { line = passed.line, what = passed.what, text = safe(passed.text, passed.cut) }
  end
  table.sort(list, function(a, b)
    return a.line < b.line
  end)
  return list
end

--- Lines for the log: "a.csv:1: skipped, above the table: 'Report 2024'".
---@param file string
---@param list pghost.sniff.Passed[]
---@param all integer how many there are
---@return string[]
function M.describe(file, list, all)
  local texts = {}
  for i = 1, math.min(#list, most_shown) do
    texts[i] = ("%s:%d: skipped, %s: '%s'"):format(file, list[i].line, where[list[i].what], list[i].text)
  end
  if all > #texts then
    texts[#texts + 1] = ("%s: and %s more skipped"):format(file, log.counted(all - #texts, "line"))
  end
  return texts
end

return M
