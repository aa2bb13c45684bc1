-- The layout of a command's --help: one screen of 80 columns, whatever the command has.
--
-- A parser may have `compact`: a list of its options that are shown by their usage alone, and the topic of
-- `pghost help` that explains them.

local lists = require "pghost.lib.lists"

local M = {}

local COLUMNS <const> = 80
local MOST_OPTIONS <const> = 9 -- in the usage line; more of them are "[options]"

local function element_usage(element)
  return (element:_get_usage():gsub("^%[(.*)%]$", "%1"))
end

-- "Usage: pghost load [options] --into TABLE <file> [<file>] ..."
local function short_usage(parser)
  local parts = { "Usage: " .. parser._name, "[options]" }
  for _, option in ipairs(parser._options) do
    if option._mincount > 0 then
      parts[#parts + 1] = option:_get_usage()
    end
  end
  for _, argument in ipairs(parser._arguments) do
    parts[#parts + 1] = argument:_get_usage()
  end
  return table.concat(parts, " ")
end

-- Words filled into lines, all but the first indented.
local function fill(words, indent)
  local lines, line = {}, nil
  for _, word in ipairs(words) do
    if line and #line + 2 + #word <= COLUMNS then
      line = line .. "  " .. word
    else
      lines[#lines + 1] = line
      line = (" "):rep(indent) .. word
    end
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

local function compact_text(parser)
  local words = lists.map(parser.compact, element_usage)
  return ("%s (`pghost help %s` explains them):\n%s"):format(parser.compact.title, parser.compact.topic, fill(words, 3))
end

--- Sets the layout; a second time changes nothing.
---@param parser table of argparse
function M.apply(parser)
  if parser.laid_out then
    return
  end
  parser.laid_out = true
  parser:help_max_width(COLUMNS)
  parser:usage_max_width(COLUMNS)
  if not parser._usage and #parser._options > MOST_OPTIONS then
    parser:usage(short_usage(parser))
  end
  parser.example = parser._epilog
  if parser.compact then
    parser:epilog(compact_text(parser) .. (parser.example and "\n\n" .. parser.example or ""))
  end
end

return M
