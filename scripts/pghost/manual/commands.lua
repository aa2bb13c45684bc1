-- The subcommands and their parsers: one file each in command/, and no other list of them anywhere.

local arguments = require "pghost.lib.arguments"
local host = require "pghost.native.host"
local lfs = require "lfs"
local lists = require "pghost.lib.lists"

local M = {}

---@class pghost.Command
---@field name string "load"
---@field summary string first sentence of its description, without the full stop
---@field parser table of argparse

local function folder()
  return host.root .. "/scripts/pghost/command"
end

-- "Loads CSV files into a table, all or nothing. Columns ..." up to the first full stop or colon.
local function summary_of(parser)
  local text = parser._description or ""
  return (text:match("^(.-)[.:]%s") or text:gsub("%.$", ""))
end

--- The names of all commands, sorted.
---@return string[]
function M.names()
  local names = {}
  for entry in lfs.dir(folder()) do
    names[#names + 1] = entry:match("^([%l%d_]+)%.lua$")
  end
  table.sort(names)
  return names
end

--- One command, by loading its file up to where it reads its command line.
---@param name string
---@return pghost.Command raises where its file cannot be loaded or reads no command line
function M.of(name)
  local chunk = assert(loadfile(("%s/%s.lua"):format(folder(), name)))
  local parser = arguments.parser_of(chunk)
  if not parser then
    error(("command '%s' does not parse its arguments with pghost.lib.arguments"):format(name), 0)
  end
  return { name = name, summary = summary_of(parser), parser = parser }
end

--- All of them, sorted by name.
---@return pghost.Command[]
function M.list()
  return lists.map(M.names(), M.of)
end

return M
