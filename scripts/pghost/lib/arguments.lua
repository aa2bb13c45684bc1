-- Command lines read by argparse, with one line of message for what is wrong with them.

local errors = require "pghost.lib.errors"
local nearest = require "pghost.lib.nearest"

local M = {}

-- All names of a parser's options, and which of them want a value.
local function option_names(parser)
  local names, with_value = {}, {}
  for _, option in ipairs(parser._options) do
    for _, alias in ipairs(option._aliases) do
      names[#names + 1] = alias
      with_value[alias] = option._minargs ~= 0
    end
  end
  return names, with_value
end

-- "--max-rejects -1" as "--max-rejects=-1": a negative number is a value (and wrong or not as such),
-- and no option.
local function join_numbers(words, with_value)
  local joined = {}
  for _, word in ipairs(words) do
    local before = joined[#joined]
    if with_value[before] and before:find("^%-%-") and word:find("^%-%.?%d") then
      joined[#joined] = before .. "=" .. word
    else
      joined[#joined + 1] = word
    end
  end
  return joined
end

local function long(names)
  local found = {}
  for _, name in ipairs(names) do
    if #name > 2 then
      found[#found + 1] = name
    end
  end
  return found
end

-- argparse puts what may be meant on a line of its own.
local function message_of(problem, names)
  local text = tostring(problem):gsub("\n.*", "")
  local unknown = text:match("^unknown option '(.*)'$")
  return text .. (unknown and nearest.hint(unknown, long(names)) or "")
end

--- Reads the words, or raises an error object of code "usage".
---@param parser table of argparse
---@param words string[]
---@param command string the message names its --help: "pghost load"
---@return table options
function M.parse(parser, words, command)
  local names, with_value = option_names(parser)
  local good, result = parser:pparse(join_numbers(words, with_value))
  if not good then
    errors.raise(("%s (see %s --help)"):format(message_of(result, names), command), "usage")
  end
  return result
end

--- A converter for argparse: a whole number.
---@param least integer
---@return fun(text: string): integer?, string?
function M.whole(least)
  return function(text)
    local number = text:find("^%d+$") and math.tointeger(tonumber(text))
    if number and number >= least then
      return number
    end
    return nil, least == 0 and ("whole number expected, got '%s'"):format(text)
      or ("whole number from %d expected, got '%s'"):format(least, text)
  end
end

return M
