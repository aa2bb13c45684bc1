-- The options of the dialect on the command line: one list for every command that reads CSV.

local arguments = require "pghost.lib.arguments"
local dialect = require "pghost.input.dialect"

local M = {}

local names_of_text = { tab = "\t", ["\\t"] = "\t", comma = ",", semicolon = ";", pipe = "|", space = " " }

local function named_text(text)
  return names_of_text[text] or text
end

--- Adds all of them to a parser, whose --help names them alone: `pghost help dialect` explains them.
---@param parser table of argparse
function M.add(parser)
  parser.compact = { title = "Options of the dialect", topic = "dialect" }
  for _, option in ipairs(dialect.options) do
    local name = "--" .. option.name:gsub("_", "-")
    if option.kind == "flag" then
      parser.compact[#parser.compact + 1] = parser:flag(name, option.help):target(option.name):hidden(true)
    else
      local added = parser:option(name, option.help):target(option.name):argname(option.value or "WHAT"):hidden(true)
      parser.compact[#parser.compact + 1] = added
      if option.choices then
        added:choices(option.choices):argname(table.concat(option.choices, "|"))
      else
        added:convert(option.kind == "count" and arguments.whole(0) or named_text)
      end
    end
  end
end

return M
