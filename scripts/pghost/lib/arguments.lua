-- Command lines parsed by argparse, with one-line error messages.

local errors = require "pghost.lib.errors"
local help_layout = require "pghost.lib.help_layout"
local host = require "pghost.native.host"
local lists = require "pghost.lib.lists"
local nearest = require "pghost.lib.nearest"

local M = {}

local function add_options(parser, names, with_value)
  for _, option in ipairs(parser._options) do
    for _, alias in ipairs(option._aliases) do
      names[#names + 1] = alias
      with_value[alias] = option._minargs ~= 0
    end
  end
end

-- All names of a parser's options, those of its command among the words, and which of them want a value.
local function option_names(parser, words)
  local names, with_value = {}, {}
  add_options(parser, names, with_value)
  for _, command in ipairs(parser._commands) do
    if command._name == words[1] then
      add_options(command, names, with_value)
    end
  end
  return names, with_value
end

-- "--max-rejects -1" as "--max-rejects=-1": a negative number is a value (valid or not), not an option.
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

-- The nearest match for an unknown option: one of the command's, else one that the host accepts after any command.
local function option_hint(unknown, names)
  local hint = nearest.hint(unknown, lists.filter(names, function(name)
    return #name > 2 -- not -q
  end))
  if hint ~= "" then
    return hint
  end
  local late = {}
  for _, text in ipairs(host.option_texts) do
    late[#late + 1] = text.late and text.long or nil
  end
  return nearest.hint(unknown, late)
end

local function command_names(parser)
  return lists.pluck(parser._commands, "_name")
end

-- argparse puts its suggestion on a separate line.
local function message_of(problem, names, parser, command)
  local text = tostring(problem):gsub("\n.*", "")
  local unknown = text:match("^unknown option '(.*)'$")
  local word = text:match("^unknown command '(.*)'$")
  if word then
    local prefix = command:gsub("^pghost ", "")
    return ("unknown command '%s %s'%s"):format(prefix, word, nearest.hint(word, command_names(parser)))
  end
  return text .. (unknown and option_hint(unknown, names) or "")
end

-- A value that an option does not take is told with the option: argparse leaves that to the converter.
local function name_in_problems(option)
  local convert, longest = option._convert, ""
  for _, alias in ipairs(option._aliases) do
    longest = #alias > #longest and alias or longest
  end
  if type(convert) ~= "function" then
    return
  end
  option._convert = function(text)
    local value, problem = convert(text)
    if value == nil then
      return nil, ("%s: %s"):format(longest, problem or ("'%s' is not a value of it"):format(text))
    end
    return value
  end
end

local function name_options(parser)
  for _, option in ipairs(parser._options) do
    name_in_problems(option)
  end
  for _, command in ipairs(parser._commands) do
    name_options(command)
  end
end

local watcher -- takes the parser instead of it being used

--- The parser of a command whose file is loaded as `chunk`, without running the command: up to its M.parse.
---@param chunk function
---@return table? parser of argparse; nil: the chunk ended before it parsed anything
function M.parser_of(chunk)
  local found
  watcher = function(parser)
    found = parser
    error(watcher, 0)
  end
  local good, problem = pcall(chunk)
  local stopped = problem == watcher
  watcher = nil
  if not good and not stopped then
    error(problem, 0)
  end
  return found
end

local function raise_usage(text, command)
  errors.raise(("%s (see %s --help)"):format(text, command), "usage")
end

-- "--no-header" is the field no_header of the options, "RUN" the field run.
local function is_given(options, name)
  return options[name:gsub("^%-%-", ""):gsub("-", "_"):lower()] ~= nil
end

local function check_separate(options, separate, command)
  for _, names in ipairs(separate) do
    for i = 2, is_given(options, names[1]) and #names or 1 do
      if is_given(options, names[i]) then
        raise_usage(("%s cannot be combined with %s"):format(names[1], names[i]), command)
      end
    end
  end
end

--- Reads the words, or raises an error object of code "usage".
---@param parser table of argparse
---@param words string[]
---@param command string the message names its --help: "pghost load"
---@param separate? string[][] of each list, the first cannot be combined with any of the others: { "--json", "--lua" }
---@return table options
function M.parse(parser, words, command, separate)
  help_layout.apply(parser)
  if watcher then
    watcher(parser)
  end
  name_options(parser)
  local names, with_value = option_names(parser, words)
  local good, result = parser:pparse(join_numbers(words, with_value))
  if not good then
    raise_usage(message_of(result, names, parser, command), command)
  end
  check_separate(result, separate or {}, command)
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
